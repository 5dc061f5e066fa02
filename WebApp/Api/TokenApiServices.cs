using WebApp.Coordination;
using WebApp.Sessions;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Api;

/// <summary>What the token endpoints read tokens with, and ask about them.</summary>
internal sealed class TokenApiServices(
    RefreshCoordinator coordinator,
    RotationJudge judge,
    RefreshTokens refreshTokens,
    AccessTokenReader accessTokens,
    RevokedSessions revoked,
    TimeProvider time)
{
    public RefreshCoordinator Coordinator { get; } = coordinator;

    public RotationJudge Judge { get; } = judge;

    public RefreshTokens RefreshTokens { get; } = refreshTokens;

    /// <summary>
    /// What is wrong with a text that is no refresh token for a body. One that was made for cookies is refused as any other
    /// text is: its session belongs to a browser, and is not harmed.
    /// </summary>
    public TokenFault FaultOf(string text) =>
        accessTokens.Read(text) is null ? TokenFault.Of(RefusalReason.Invalid) : TokenFault.WrongType;

    /// <summary>Why this access token is not good; null if it is.</summary>
    public RefusalReason? ReasonAgainstAccess(string text) => accessTokens.Read(text) is not { } token
        ? RefusalReason.Invalid
        : revoked.ReasonFor(token.Session) ?? (time.GetUtcNow() < token.ExpiresAt ? null : RefusalReason.Expired);
}
