using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Telemetry;
using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>
/// Decides who rotates: one conditional statement, then a look at how many rows it changed (protocol, "Rotation: the database
/// judges"). Never throws for a database that is away.
/// </summary>
internal sealed partial class RotationJudge(
    IDbContextFactory<WebAppDb> databases,
    SessionRevoker revoker,
    IOptions<SessionsOptions> options,
    TimeProvider time,
    ILogger<RotationJudge> logger)
{
    /// <summary>
    /// How often a token is judged: each look after the first follows a fault that may pass (a deadlock, a busy file, a commit
    /// of unknown outcome) or a row that moved meanwhile.
    /// </summary>
    private const int MaxAttempts = 3;

    /// <param name="presented">A genuine refresh token.</param>
    /// <param name="client">Where it came from, for the record if it is a copy.</param>
    /// <param name="deadline">The refresh's own end. Not a request's: an aborted request must not abort a rotation.</param>
    public async Task<RotationVerdict> JudgeAsync(RefreshToken presented, ClientInfo client, CancellationToken deadline)
    {
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            try
            {
                await using var db = await databases.CreateDbContextAsync(deadline);
                if (await TryJudgeAsync(db, presented, client, deadline) is { } verdict)
                {
                    return verdict;
                }
            }
            catch (Exception away) when (away.IsDatabaseAway())
            {
                DatabaseAway(logger, away, attempt, MaxAttempts);
            }
            catch (OperationCanceledException) when (deadline.IsCancellationRequested)
            {
                break;
            }
        }

        return RotationVerdict.Unavailable;
    }

    /// <summary>Null when the row moved between two statements: then nothing was decided.</summary>
    private async Task<RotationVerdict?> TryJudgeAsync(
        WebAppDb db, RefreshToken presented, ClientInfo client, CancellationToken deadline)
    {
        var now = time.GetUtcNow();
        if (await RotateAsync(db, presented, now, deadline))
        {
            // Whoever has ended the session or changed the account since then wins: judged again, the token is a spent one.
            return await ReadAsync(db, presented.Session, deadline) is { IsAlive: true } rotated
                ? new RotationVerdict(
                    RotationStatus.Rotated, rotated.Grant() with { Generation = presented.Generation.Next }, IssuedAt: now)
                : null;
        }

        var state = await ReadAsync(db, presented.Session, deadline);
        var ruling = SessionRulings.For(
            state, presented.Generation, now, options.Value.IdleTimeout, options.Value.ReplayWindow);
        switch (ruling)
        {
            case SessionRuling.Revoked:
                return RotationVerdict.Rejected(RefusalReasonNames.Parse(state?.Row.RevokedReason) ?? RefusalReason.Revoked);
            case SessionRuling.Expired:
                return RotationVerdict.Rejected(RefusalReason.Expired);
            case SessionRuling.AccountChanged:
                return await RefuseAsync(state!, RefusalReason.AccountChanged, client, now, deadline);
            case SessionRuling.Reuse:
                return await RefuseAsync(state!, RefusalReason.Reuse, client, now, deadline);
            case SessionRuling.Replay:
                return await RenewAsync(db, state!, now, deadline)
                    ? new RotationVerdict(
                        RotationStatus.Replayed, state!.Grant(), IssuedAt: now,
                        LostResponse: now - state.Row.RotatedAt > options.Value.ReplayWindow)
                    : null;
            case SessionRuling.Again:
                return null;
            default:
                throw new InvalidOperationException($"There is no answer to the ruling {ruling}.");
        }
    }

    /// <summary>
    /// The one statement that moves a session. A generation ahead of the row's is let through: a database that failed over may
    /// have lost its last commit. The account is judged inside, because a look beforehand would let an account that is being
    /// disabled rotate once more.
    /// </summary>
    private async Task<bool> RotateAsync(WebAppDb db, RefreshToken presented, DateTimeOffset now, CancellationToken deadline)
    {
        var idleSince = now - options.Value.IdleTimeout;
        var next = presented.Generation.Next.Value;
        var rows = await db.Sessions
            .Where(row => row.Id == presented.Session.Value
                && row.Generation <= presented.Generation.Value
                && row.RevokedAt == null
                && row.ExpiresAt > now
                && row.LastUsedAt > idleSince
                && db.Users.Any(account =>
                    account.Id == row.UserId && !account.Disabled && account.SecurityStamp == row.SecurityStamp))
            .ExecuteUpdateAsync(
                row => row
                    .SetProperty(session => session.Generation, next)
                    .SetProperty(session => session.SeenAt, (DateTimeOffset?)null)
                    .SetProperty(session => session.RotatedAt, now)
                    .SetProperty(session => session.LastUsedAt, now),
                deadline);
        return rows == 1;
    }

    /// <summary>
    /// A replay keeps an idle session alive. It is a statement with all its conditions, so that a session that was ended since
    /// it was read gets no successor.
    /// </summary>
    private async Task<bool> RenewAsync(WebAppDb db, SessionState state, DateTimeOffset now, CancellationToken deadline)
    {
        var seenSince = now - options.Value.ReplayWindow;
        var rows = await db.Sessions
            .Where(row => row.Id == state.Row.Id
                && row.Generation == state.Row.Generation
                && (row.SeenAt == null || row.SeenAt >= seenSince)
                && row.RevokedAt == null
                && row.ExpiresAt > now
                && db.Users.Any(account =>
                    account.Id == row.UserId && !account.Disabled && account.SecurityStamp == row.SecurityStamp))
            .ExecuteUpdateAsync(row => row.SetProperty(session => session.LastUsedAt, now), deadline);
        return rows == 1;
    }

    private async Task<RotationVerdict?> RefuseAsync(
        SessionState state, RefusalReason reason, ClientInfo client, DateTimeOffset now, CancellationToken deadline) =>
        await revoker.RevokeWithEventAsync(state.Row, reason, client, now, deadline) ? RotationVerdict.Rejected(reason) : null;

    private static async Task<SessionState?> ReadAsync(WebAppDb db, SessionId session, CancellationToken deadline)
    {
        // Outer joins, which look rows up by their keys. A subquery for the account or the roles would be written as a join with
        // all accounts or all memberships, and read them from first to last.
        var found = await (
            from row in db.Sessions.AsNoTracking()
            where row.Id == session.Value
            from account in db.Users.Where(each => each.Id == row.UserId).DefaultIfEmpty()
            from membership in db.UserRoles.Where(each => each.UserId == row.UserId).DefaultIfEmpty()
            from role in db.Roles.Where(each => each.Id == membership.RoleId).DefaultIfEmpty()
            orderby role.Name
            select new
            {
                Row = row,
                Account = account == null ? null : new { account.UserName, account.Disabled, account.SecurityStamp },
                Role = role == null ? null : role.Name,
            })
            .ToListAsync(deadline);
        if (found.Count == 0)
        {
            return null;
        }

        return new SessionState(found[0].Row, found[0].Account is { } known
            ? new AccountState(
                known.UserName ?? "", known.Disabled, known.SecurityStamp ?? "", [.. found.Select(each => each.Role).OfType<string>()])
            : null);
    }

    [LoggerMessage(LogEvents.DatabaseAway, LogLevel.Warning, "The database did not settle a refresh (attempt {Attempt} of {MaxAttempts}).")]
    private static partial void DatabaseAway(ILogger logger, Exception exception, int attempt, int maxAttempts);
}
