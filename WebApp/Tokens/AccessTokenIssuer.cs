using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using WebApp.Configuration;

namespace WebApp.Tokens;

/// <summary>Signs access tokens (RFC 9068).</summary>
internal sealed class AccessTokenIssuer(SigningKeys keys, IOptions<SessionsOptions> options, Random random)
{
    private readonly JsonWebTokenHandler handler = new() { SetDefaultTimesOnTokenCreation = false };

    public string Issue(SessionGrant grant, DateTimeOffset issuedAt)
    {
        var claims = new Dictionary<string, object>
        {
            [TokenClaims.Subject] = grant.User.Value,
            [TokenClaims.Session] = grant.Session.ToString(),
            [TokenClaims.Generation] = grant.Generation.Value,
            [TokenClaims.TokenId] = Guid.NewGuid().ToString("N"),
            [TokenClaims.AuthenticatedAt] = grant.AuthenticatedAt.ToUnixTimeSeconds(),
            [TokenClaims.TokenType] = TokenClaims.AccessTokenType,
            [TokenClaims.Name] = grant.Name,
        };
        if (grant.Roles.Count > 0)
        {
            claims[TokenClaims.Role] = grant.Roles;
        }

        return handler.CreateToken(new SecurityTokenDescriptor
        {
            TokenType = TokenClaims.HeaderType,
            Issuer = options.Value.Issuer,
            Audience = options.Value.Audience,
            IssuedAt = issuedAt.UtcDateTime,
            Expires = ExpiryOf(issuedAt).UtcDateTime,
            Claims = claims,
            SigningCredentials = keys.Current,
        });
    }

    /// <summary>
    /// The jitter only shortens a life, so that sessions opened together do not expire together. The end is rounded up to a
    /// whole second, which is all that <c>exp</c> can say: rounded down, a life could fall below the two replay windows that
    /// the protocol needs it to last.
    /// </summary>
    private DateTimeOffset ExpiryOf(DateTimeOffset issuedAt)
    {
        var lifetime = options.Value.AccessTokenLifetime * (1 - (options.Value.Jitter * random.NextDouble()));
        return DateTimeOffset.FromUnixTimeSeconds((issuedAt + lifetime).AddTicks(TimeSpan.TicksPerSecond - 1).ToUnixTimeSeconds());
    }
}
