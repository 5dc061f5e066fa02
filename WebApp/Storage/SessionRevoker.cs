using WebApp.Telemetry;
using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>Ends sessions: the row first, then this node's memory. Throws when the database is away; nothing is ended then.</summary>
internal sealed partial class SessionRevoker(
    ISessionRows rows,
    RevokedSessions revoked,
    DatabaseRetry retry,
    SessionMetrics metrics,
    TimeProvider time,
    ILogger<SessionRevoker> logger)
{
    /// <summary>Ends a session that somebody asked to end. Ending an ended session is no error.</summary>
    public async Task RevokeAsync(SessionId session, RefusalReason reason, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        if (await retry.RunAsync(() => rows.TryRevokeAsync(session, reason, now, record: null, cancellation)))
        {
            Remember(session, reason);
        }
        else
        {
            // It has ended, perhaps by a first attempt whose answer was lost (scenario 24), or on another node.
            revoked.Add(session, reason);
        }
    }

    /// <summary>Ends a session over something its owner should know. True for the one caller that ended it.</summary>
    public async Task<bool> RevokeWithEventAsync(
        SessionRow row, RefusalReason reason, ClientInfo client, DateTimeOffset now, CancellationToken cancellation)
    {
        var session = new SessionId(row.Id);
        var record = SecurityEvent.Of(reason.Name(), new UserId(row.UserId), session, client, now);
        if (!await rows.TryRevokeAsync(session, reason, now, record, cancellation))
        {
            return false;
        }

        Remember(session, reason);
        return true;
    }

    /// <summary>Takes note of a session whose row somebody has ended.</summary>
    public void Remember(SessionId session, RefusalReason reason)
    {
        revoked.AddEndedHere(session, reason);
        metrics.Revoked(reason.Name());
        SessionRevoked(logger, session, reason.Name());
    }

    [LoggerMessage(LogEvents.SessionRevoked, LogLevel.Information, "Session {Session} was ended: {Reason}.")]
    private static partial void SessionRevoked(ILogger logger, SessionId session, string reason);
}
