using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using WebApp.Configuration;
using WebApp.Tokens;

namespace WebApp.Upstream.SimpleJwt;

/// <summary>Reads what Simple JWT has issued: its access tokens, validated when they arrive.</summary>
internal sealed class SimpleJwtTokens(UpstreamKeys keys, IOptions<UpstreamOptions> options, TimeProvider time)
{
    /// <summary>Longest subject, in characters: with the issuer's name before it, it is a key in the database.</summary>
    private const int MaxSubject = 64;

    private static readonly string[] SubjectClaims = ["user_id", JwtRegisteredClaimNames.Sub];
    private static readonly string[] NameClaims = ["username", JwtRegisteredClaimNames.Name];
    private static readonly string[] RoleClaims = ["role", "roles", "groups"];

    private readonly JsonWebTokenHandler handler = new() { MapInboundClaims = false };

    /// <summary>Null if the access token is not the issuer's, or names nobody.</summary>
    public async Task<UpstreamAnswer?> ReadAsync(string access, string refresh, string name, CancellationToken cancellation)
    {
        var receivedAt = time.GetUtcNow();
        var parameters = new TokenValidationParameters
        {
            IssuerSigningKeys = await keys.ForAsync(access, cancellation),
            ValidAlgorithms = UpstreamKeys.Algorithms,
            ValidateIssuer = false,
            ValidateAudience = false,

            // It has just been issued. Whose clock is right is settled below.
            ValidateLifetime = false,
        };
        var result = await handler.ValidateTokenAsync(access, parameters);
        if (!result.IsValid
            || result.SecurityToken is not JsonWebToken jwt
            || Claim(jwt, "token_type") is not ("access" or null)
            || Lifetime(jwt) is not { } lifetime
            || SubjectClaims.Select(claim => Claim(jwt, claim)).FirstOrDefault(value => value is { Length: > 0 and <= MaxSubject }) is not { } subject)
        {
            return null;
        }

        var issuer = string.IsNullOrEmpty(jwt.Issuer) ? new Uri(options.Value.BaseAddress).Authority : jwt.Issuer;
        var tokens = new UpstreamTokens(
            access,
            refresh,
            receivedAt + lifetime,
            NameClaims.Select(claim => Claim(jwt, claim)).FirstOrDefault(value => !string.IsNullOrWhiteSpace(value)) ?? name,
            [.. jwt.Claims.Where(claim => RoleClaims.Contains(claim.Type)).Select(claim => claim.Value).Distinct()]);
        return new UpstreamAnswer(UpstreamStatus.Granted, tokens, new UserId($"{issuer}|{subject}"));
    }

    /// <summary>The issuer's clock may be wrong by hours, and its opinion of how long the token lasts is right all the same.</summary>
    private static TimeSpan? Lifetime(JsonWebToken jwt) =>
        jwt.TryGetPayloadValue<long>(JwtRegisteredClaimNames.Exp, out var expires)
        && jwt.TryGetPayloadValue<long>(JwtRegisteredClaimNames.Iat, out var issued)
        && expires > issued
            ? TimeSpan.FromSeconds(expires - issued)
            : null;

    private static string? Claim(JsonWebToken jwt, string name) => jwt.Claims.FirstOrDefault(claim => claim.Type == name)?.Value;
}
