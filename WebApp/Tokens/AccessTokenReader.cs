using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using WebApp.Configuration;

namespace WebApp.Tokens;

/// <summary>
/// Reads access tokens and remembers the genuine ones, so that a signature is checked once in a token's life on a node. What
/// is remembered is that the token is genuine, never that it is in force.
/// </summary>
internal sealed class AccessTokenReader(SigningKeys keys, IOptions<SessionsOptions> options, TimeProvider time) : IDisposable
{
    /// <summary>Longest text that is looked at, in characters: browsers keep no cookie beyond 4096 bytes (RFC 6265, section 6.1).</summary>
    public const int MaxLength = 4096;

    /// <summary>How many tokens a node remembers: some 3 KB each. Beyond that signatures are checked again.</summary>
    private const int MaxRemembered = 10_000;

    private readonly JsonWebTokenHandler handler = new() { MapInboundClaims = false };
    private readonly MemoryCache genuine = new(new MemoryCacheOptions { SizeLimit = MaxRemembered });

    /// <summary>
    /// The token, expired or not, if this site has signed it; null for everything else. No store is touched (scenario 44).
    /// </summary>
    public AccessToken? Read(string? text)
    {
        if (string.IsNullOrEmpty(text) || text.Length > MaxLength)
        {
            return null;
        }

        if (genuine.TryGetValue(text, out AccessToken? remembered))
        {
            return remembered;
        }

        var token = Validate(text);
        var remaining = token?.ExpiresAt - time.GetUtcNow();
        if (remaining > TimeSpan.Zero)
        {
            genuine.Set(text, token, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = remaining });
        }

        return token;
    }

    public void Dispose() => genuine.Dispose();

    private AccessToken? Validate(string text)
    {
        // All keys are in memory, so this task is complete when it is returned. It reports bad input and does not throw.
        var result = handler.ValidateTokenAsync(text, Parameters()).GetAwaiter().GetResult();
        if (!result.IsValid || result.SecurityToken is not JsonWebToken jwt)
        {
            return null;
        }

        return jwt.TryGetPayloadValue<string>(TokenClaims.TokenType, out var type) && type == TokenClaims.AccessTokenType
            && jwt.TryGetPayloadValue<string>(TokenClaims.Session, out var sid) && SessionId.TryParse(sid, out var session)
            && jwt.TryGetPayloadValue<int>(TokenClaims.Generation, out var generation)
            && jwt.TryGetPayloadValue<long>(TokenClaims.AuthenticatedAt, out var authenticatedAt)
            && !string.IsNullOrEmpty(jwt.Subject)
                ? new AccessToken(
                    result.ClaimsIdentity,
                    new UserId(jwt.Subject),
                    session,
                    new Generation(generation),
                    DateTimeOffset.FromUnixTimeSeconds(authenticatedAt),
                    new DateTimeOffset(jwt.ValidTo, TimeSpan.Zero))
                : null;
    }

    /// <summary>
    /// Everything but time. Time is judged by whoever shows the token, on each showing, and a future <c>iat</c> is accepted:
    /// another node's clock may be a little ahead.
    /// </summary>
    private TokenValidationParameters Parameters() => new()
    {
        ValidTypes = [TokenClaims.HeaderType],
        ValidAlgorithms = keys.Algorithms,
        ValidIssuer = options.Value.Issuer,
        ValidAudience = options.Value.Audience,
        IssuerSigningKeys = keys.All,
        TryAllIssuerSigningKeys = false,
        RequireExpirationTime = true,
        LifetimeValidator = (_, expires, _, _) => expires is not null,
        NameClaimType = TokenClaims.Name,
        RoleClaimType = TokenClaims.Role,
        AuthenticationType = "AccessToken",
    };
}
