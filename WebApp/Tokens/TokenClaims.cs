using System.IdentityModel.Tokens.Jwt;

namespace WebApp.Tokens;

/// <summary>The claims of the access token, by their registered names where there is one (RFC 7519, RFC 9068).</summary>
internal static class TokenClaims
{
    /// <summary>The <c>typ</c> header of a JWT access token (RFC 9068, section 2.1).</summary>
    public const string HeaderType = "at+jwt";

    public const string Subject = JwtRegisteredClaimNames.Sub;
    public const string Session = JwtRegisteredClaimNames.Sid;
    public const string Generation = "gen";
    public const string TokenId = JwtRegisteredClaimNames.Jti;
    public const string AuthenticatedAt = JwtRegisteredClaimNames.AuthTime;
    public const string TokenType = "token_type";
    public const string Name = JwtRegisteredClaimNames.Name;
    public const string Role = "role";

    /// <summary>The value of <see cref="TokenType"/> that Simple JWT gives an access token.</summary>
    public const string AccessTokenType = "access";
}
