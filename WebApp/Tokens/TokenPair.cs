namespace WebApp.Tokens;

/// <summary>An access token and a refresh token of one generation, as they are handed to a browser.</summary>
internal sealed class TokenPair(SessionGrant grant, string accessToken, string refreshToken)
{
    public SessionGrant Grant { get; } = grant;

    public string AccessToken { get; } = accessToken;

    public string RefreshToken { get; } = refreshToken;

    /// <summary>Names the generation and never shows a token: a pair may end up in a log.</summary>
    public override string ToString() => $"pair of session {Grant.Session}, generation {Grant.Generation}";
}
