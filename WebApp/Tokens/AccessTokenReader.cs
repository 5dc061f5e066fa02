using System.Buffers;
using System.Security.Claims;
using System.Text.Json;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Internal;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using WebApp.Configuration;

namespace WebApp.Tokens;

/// <summary>
/// Reads access tokens and remembers the genuine ones, so that a signature is checked once in a token's life on a node. What
/// is remembered is that the token is genuine, never that it is in force. A key retires after the last token it has signed has
/// expired, so nothing that is remembered of it is in force then.
/// </summary>
internal sealed class AccessTokenReader(SigningKeys keys, IOptions<SessionsOptions> options, TimeProvider time) : IDisposable
{
    /// <summary>Longest text that is looked at, in characters: browsers keep no cookie beyond 4096 bytes (RFC 6265, section 6.1).</summary>
    public const int MaxLength = 4096;

    /// <summary>How many tokens a node remembers: some 3 KB each. Beyond that signatures are checked again.</summary>
    private const int MaxRemembered = 10_000;

    /// <summary>Base64url without padding, and the dots between the parts (RFC 7515, sections 2 and 3.1).</summary>
    private static readonly SearchValues<char> Characters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");

    /// <summary>RFC 7519, section 4, lets a reader refuse a claim that is there twice.</summary>
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    private readonly JsonWebTokenHandler handler = new() { MapInboundClaims = false };
    private readonly MemoryCache genuine = new(new MemoryCacheOptions { SizeLimit = MaxRemembered, Clock = new CacheClock(time) });

    /// <summary>
    /// The token, expired or not, if this site has signed it; null for everything else. No store is touched (scenario 44).
    /// </summary>
    public AccessToken? Read(string? text)
    {
        if (string.IsNullOrEmpty(text) || text.Length > MaxLength || text.AsSpan().ContainsAnyExcept(Characters))
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
        return result.IsValid && result.SecurityToken is JsonWebToken jwt ? Open(jwt, result.ClaimsIdentity) : null;
    }

    /// <summary>
    /// What a genuine token says; null where a claim is missing, is there twice, or is not of its kind. The library's own
    /// conversions take <c>"gen": null</c> for 0.
    /// </summary>
    private static AccessToken? Open(JsonWebToken jwt, ClaimsIdentity identity)
    {
        try
        {
            var claims = JsonElement.Parse(Base64UrlEncoder.DecodeBytes(jwt.EncodedPayload), Strict);
            return Text(claims, TokenClaims.TokenType) == TokenClaims.AccessTokenType
                && SessionId.TryParse(Text(claims, TokenClaims.Session), out var session)
                && Number(claims, TokenClaims.Generation, int.MaxValue - 1) is { } generation
                && Number(claims, TokenClaims.AuthenticatedAt, DateTimeOffset.MaxValue.ToUnixTimeSeconds()) is { } authenticatedAt
                && Text(claims, TokenClaims.Subject) is { Length: > 0 } subject
                    ? new AccessToken(
                        identity,
                        new UserId(subject),
                        session,
                        new Generation((int)generation),
                        DateTimeOffset.FromUnixTimeSeconds(authenticatedAt),
                        new DateTimeOffset(jwt.ValidTo, TimeSpan.Zero))
                    : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? Text(JsonElement claims, string name) =>
        claims.TryGetProperty(name, out var claim) && claim.ValueKind == JsonValueKind.String ? claim.GetString() : null;

    private static long? Number(JsonElement claims, string name, long max) =>
        claims.TryGetProperty(name, out var claim)
        && claim.ValueKind == JsonValueKind.Number
        && claim.TryGetInt64(out var number)
        && number >= 0
        && number <= max
            ? number
            : null;

    /// <summary>
    /// Everything but time. Time is judged by whoever shows the token, on each showing, and a future <c>iat</c> is accepted:
    /// another node's clock may be a little ahead.
    /// </summary>
    private TokenValidationParameters Parameters()
    {
        var ring = keys.Loaded;
        return new TokenValidationParameters
        {
            ValidTypes = [TokenClaims.HeaderType],
            ValidAlgorithms = ring.Algorithms,
            ValidIssuer = options.Value.Issuer,
            ValidAudience = options.Value.Audience,
            IssuerSigningKeys = ring.All,
            TryAllIssuerSigningKeys = false,
            RequireExpirationTime = true,
            LifetimeValidator = (_, expires, _, _) => expires is not null,
            NameClaimType = TokenClaims.Name,
            RoleClaimType = TokenClaims.Role,
            AuthenticationType = "AccessToken",
        };
    }

    /// <summary>The cache tells the time by the site's clock, and not by the machine's.</summary>
    private sealed class CacheClock(TimeProvider time) : ISystemClock
    {
        public DateTimeOffset UtcNow => time.GetUtcNow();
    }
}
