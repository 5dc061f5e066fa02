namespace WebApp.Tokens;

/// <summary>Issues pairs.</summary>
internal sealed class TokenPairs(AccessTokenIssuer accessTokens, RefreshTokens refreshTokens)
{
    /// <param name="grant">What the database granted.</param>
    /// <param name="issuedAt">A time from before the statement that granted it, so that no token outlives a later decision.</param>
    public TokenPair Issue(SessionGrant grant, DateTimeOffset issuedAt) => new(
        grant,
        accessTokens.Issue(grant, issuedAt),
        refreshTokens.Protect(new RefreshToken(grant.Session, grant.Generation, grant.User, grant.Transport)));
}
