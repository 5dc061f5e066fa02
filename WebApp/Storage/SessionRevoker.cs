using Microsoft.EntityFrameworkCore;
using WebApp.Telemetry;
using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>Ends sessions: the row first, then this node's memory. Throws when the database is away; nothing is ended then.</summary>
internal sealed partial class SessionRevoker(
    IDbContextFactory<WebAppDb> databases,
    RevokedSessions revoked,
    SessionMetrics metrics,
    TimeProvider time,
    ILogger<SessionRevoker> logger)
{
    /// <summary>Ends a session that somebody asked to end. Ending an ended session is no error.</summary>
    public async Task RevokeAsync(SessionId session, RefusalReason reason, CancellationToken cancellation)
    {
        await using var db = await databases.CreateDbContextAsync(cancellation);
        var now = time.GetUtcNow();
        if (await MarkAsync(db, session, reason, now, cancellation))
        {
            Remember(session, reason);
        }
    }

    /// <summary>Ends a session over something its owner should know. True for the one caller that ended it.</summary>
    public async Task<bool> RevokeWithEventAsync(
        SessionRow row, RefusalReason reason, ClientInfo client, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var db = await databases.CreateDbContextAsync(cancellation);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellation);
        var session = new SessionId(row.Id);
        if (!await MarkAsync(db, session, reason, now, cancellation))
        {
            return false;
        }

        db.SecurityEvents.Add(new SecurityEvent
        {
            UserId = row.UserId,
            SessionId = row.Id,
            Kind = reason.Name(),
            At = now,
            UserAgent = client.UserAgent,
            IpAddress = client.IpAddress,
        });
        await db.SaveChangesAsync(cancellation);
        await transaction.CommitAsync(cancellation);
        Remember(session, reason);
        return true;
    }

    private static async Task<bool> MarkAsync(
        WebAppDb db, SessionId session, RefusalReason reason, DateTimeOffset now, CancellationToken cancellation)
    {
        var rows = await db.Sessions
            .Where(row => row.Id == session.Value && row.RevokedAt == null)
            .ExecuteUpdateAsync(
                row => row
                    .SetProperty(each => each.RevokedAt, now)
                    .SetProperty(each => each.RevokedReason, reason.Name()),
                cancellation);
        return rows == 1;
    }

    private void Remember(SessionId session, RefusalReason reason)
    {
        revoked.Add(session, reason);
        metrics.Revoked(reason.Name());
        SessionRevoked(logger, session, reason.Name());
    }

    [LoggerMessage(LogEvents.SessionRevoked, LogLevel.Information, "Session {Session} was ended: {Reason}.")]
    private static partial void SessionRevoked(ILogger logger, SessionId session, string reason);
}
