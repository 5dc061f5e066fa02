using WebApp.Cookies;
using WebApp.Coordination;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tokens;

namespace WebApp.Sessions;

/// <summary>
/// Judges who is at the door. First by the access token alone, from memory; only when that has ended, by a refresh.
/// </summary>
internal sealed class SessionDoor(
    SessionCookies cookies,
    AccessTokenReader accessTokens,
    RefreshTokens refreshTokens,
    RevokedSessions revoked,
    SeenWriter seen,
    RefreshCoordinator coordinator,
    SessionMetrics metrics,
    TimeProvider time)
{
    /// <summary>
    /// Judges by the access token. Touches no store and never waits. What it cannot settle is left in
    /// <see cref="SessionEvidence.Refresh"/>.
    /// </summary>
    public SessionEvidence Look(HttpRequest request)
    {
        if (request.Bearer() is { } bearer)
        {
            return LookAtBearer(bearer);
        }

        var presented = cookies.Read(request);
        if (InForce(presented.Access) is { } token)
        {
            Pair(token, presented.Refresh);
            metrics.Checked("valid");
            return SessionEvidence.Accepted(presented.Access!, token, presented.Refresh);
        }

        return presented.Access is null && presented.Refresh is null ? Nobody() : LookCloser(request);
    }

    /// <summary>Waits for the refresh that the evidence calls for. A caller who gives up leaves it running.</summary>
    /// <param name="evidence">Evidence with a refresh token.</param>
    /// <param name="client">Where it came from.</param>
    /// <param name="requestAborted">Ends the wait, and nothing but the wait.</param>
    public Task<RefreshOutcome> RefreshAsync(SessionEvidence evidence, ClientInfo client, CancellationToken requestAborted) =>
        coordinator.RefreshAsync(evidence.Refresh!, client).WaitAsync(requestAborted);

    /// <summary>The refresh token in a cookie that was not needed so far.</summary>
    public RefreshToken? ReadRefreshToken(string? text) => refreshTokens.Read(text);

    /// <summary>The access token of a pair that was granted to this very request.</summary>
    public AccessToken Open(TokenPair pair) => accessTokens.Read(pair.AccessToken)
        ?? throw new InvalidOperationException("An access token that was just signed cannot be read.");

    /// <summary>
    /// A program has said who it is. Whatever cookies came along say nothing, and nothing is refreshed: the program has a refresh
    /// token, and asks for it.
    /// </summary>
    private SessionEvidence LookAtBearer(string text)
    {
        if (InForce(text) is not { } token)
        {
            var fault = FaultOf(text);
            metrics.Checked(fault.Reason.NameForPrograms());
            return SessionEvidence.RefusedBearer(fault);
        }

        // A call with the access token of a session of cookies proves nothing: the site itself may have made it.
        if (!token.IsProved(SessionTransport.Body) && token.TryProve(SessionTransport.Body))
        {
            seen.Queue(new SessionProof(token.Session, token.Generation, SessionTransport.Body));
        }

        metrics.Checked("valid");
        return SessionEvidence.Accepted(text, token, refreshText: null);
    }

    private TokenFault FaultOf(string text)
    {
        if (text.Length == 0 || text.Contains(' '))
        {
            return TokenFault.BadHeader;
        }

        if (accessTokens.Read(text) is { } token)
        {
            return TokenFault.Of(revoked.ReasonFor(token.Session) ?? RefusalReason.Expired);
        }

        return (refreshTokens.Read(text, SessionTransport.Body) ?? refreshTokens.Read(text)) is null
            ? TokenFault.Of(RefusalReason.Invalid)
            : TokenFault.WrongType;
    }

    private SessionEvidence Nobody()
    {
        metrics.Checked("none");
        return SessionEvidence.Nobody;
    }

    /// <summary>The access token has ended, is missing or is not ours. Takes every cookie of the names into account.</summary>
    private SessionEvidence LookCloser(HttpRequest request)
    {
        var (access, refresh) = cookies.ReadAll(request);
        var readable = refresh.Select(text => refreshTokens.Read(text)).OfType<RefreshToken>().ToList();
        foreach (var text in access)
        {
            if (InForce(text) is { } token)
            {
                metrics.Checked("valid");
                return SessionEvidence.Accepted(text, token, refresh.Count == 1 ? refresh[0] : null);
            }
        }

        var ended = access.Select(accessTokens.Read).OfType<AccessToken>().FirstOrDefault();
        if (Best(readable, ended) is { } best)
        {
            metrics.Checked("expired");
            return SessionEvidence.NeedsRefresh(best);
        }

        // No refresh token is left to ask with: the session is over as far as this browser can tell.
        var reason = ended is null ? RefusalReason.Invalid : revoked.ReasonFor(ended.Session) ?? RefusalReason.Expired;
        metrics.Checked(reason.NameForPrograms());
        return SessionEvidence.Refused(reason, ended?.User);
    }

    /// <summary>Of several refresh tokens, the one that goes with the access token; of one session's, the newest.</summary>
    private static RefreshToken? Best(List<RefreshToken> tokens, AccessToken? ended) => tokens
        .OrderByDescending(token => token.Session == ended?.Session)
        .ThenByDescending(token => token.Session == tokens[0].Session)
        .ThenByDescending(token => token.Generation.Value)
        .FirstOrDefault();

    private AccessToken? InForce(string? text) =>
        accessTokens.Read(text) is { } token && time.GetUtcNow() < token.ExpiresAt && revoked.ReasonFor(token.Session) is null
            ? token
            : null;

    /// <summary>
    /// Two cookies that agree, on a request that did not rotate, prove that the browser holds this generation. Two that
    /// disagree prove nothing (scenario 10).
    /// </summary>
    private void Pair(AccessToken token, string? refresh)
    {
        if (!token.IsProved(SessionTransport.Cookie)
            && refreshTokens.Read(refresh) is { } other
            && other.Session == token.Session
            && other.Generation == token.Generation
            && token.TryProve(SessionTransport.Cookie))
        {
            seen.Queue(new SessionProof(token.Session, token.Generation));
        }
    }
}
