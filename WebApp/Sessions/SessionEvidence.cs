using WebApp.Tokens;

namespace WebApp.Sessions;

/// <summary>What the cookies of a request say, before anything is asked of a store. One of four things.</summary>
internal sealed class SessionEvidence
{
    private SessionEvidence(
        AccessToken? access = null, string? accessText = null, string? refreshText = null,
        RefreshToken? refresh = null, RefusalReason? refusal = null, UserId? refused = null, TokenFault? bearerFault = null)
    {
        Access = access;
        AccessText = accessText;
        RefreshText = refreshText;
        Refresh = refresh;
        Refusal = refusal;
        RefusedUser = refused;
        BearerFault = bearerFault;
    }

    /// <summary>There are no tokens.</summary>
    public static SessionEvidence Nobody { get; } = new();

    /// <summary>The access token, if it is in force.</summary>
    public AccessToken? Access { get; }

    /// <summary>The text of <see cref="Access"/>. Secret.</summary>
    public string? AccessText { get; }

    /// <summary>The refresh cookie beside an access token in force, unread. Secret.</summary>
    public string? RefreshText { get; }

    /// <summary>The refresh token to ask with, if the access token is not in force.</summary>
    public RefreshToken? Refresh { get; }

    /// <summary>Why nothing can be asked, if tokens were presented and none is good.</summary>
    public RefusalReason? Refusal { get; }

    /// <summary>Whose token that was, if one of them is genuine.</summary>
    public UserId? RefusedUser { get; }

    /// <summary>The same of a token in the Authorization header, in the words of Simple JWT.</summary>
    public TokenFault? BearerFault { get; }

    public static SessionEvidence Accepted(string text, AccessToken token, string? refreshText) =>
        new(access: token, accessText: text, refreshText: refreshText);

    public static SessionEvidence NeedsRefresh(RefreshToken token) => new(refresh: token);

    public static SessionEvidence Refused(RefusalReason reason, UserId? user) => new(refusal: reason, refused: user);

    public static SessionEvidence RefusedBearer(TokenFault fault) => new(refusal: fault.Reason, bearerFault: fault);
}
