using Microsoft.EntityFrameworkCore;
using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>
/// Ends sessions that somebody looks at from elsewhere: their owner on another device, or an administrator. Every node knows
/// within a second (scenario 34). Throws when the database is away.
/// </summary>
internal sealed class SessionEndings(
    ISessionRows rows, IDbContextFactory<WebAppDb> databases, SessionRevoker revoker, DatabaseRetry retry, TimeProvider time)
{
    /// <summary>Ends one session, if it is this person's.</summary>
    /// <param name="owner">Whose it must be.</param>
    /// <param name="session">Which.</param>
    /// <param name="reason">What its browser is told.</param>
    /// <param name="client">The device from which it is ended.</param>
    /// <returns>False if there is no such session of this person. One that has ended already is no error.</returns>
    public Task<bool> EndAsync(UserId owner, SessionId session, RefusalReason reason, ClientInfo client) => retry.RunAsync(async () =>
    {
        // An owner never changes, so this may be read before.
        if (await rows.FindAsync(session, CancellationToken.None) is not { } found || found.Row.UserId != owner.Value)
        {
            return false;
        }

        await revoker.RevokeWithEventAsync(found.Row, reason, client, time.GetUtcNow(), CancellationToken.None);
        return true;
    });

    /// <summary>Ends every session of a person but one, and records that.</summary>
    /// <param name="user">Whose.</param>
    /// <param name="keep">The one that lives on; null for none.</param>
    /// <param name="reason">What their browsers are told.</param>
    /// <param name="record">A kind of <see cref="SecurityEventKinds"/>.</param>
    /// <param name="client">The device from which they are ended.</param>
    /// <returns>How many were ended.</returns>
    public async Task<int> EndAllAsync(UserId user, SessionId? keep, RefusalReason reason, string record, ClientInfo client)
    {
        var ended = await retry.RunAsync(async () =>
        {
            var now = time.GetUtcNow();
            await using var db = await databases.CreateDbContextAsync(CancellationToken.None);
            await using var transaction = await db.Database.BeginTransactionAsync(CancellationToken.None);
            var ended = await db.EndSessionsAsync(user, keep, reason, now);
            if (ended.Count > 0)
            {
                db.SecurityEvents.Add(SecurityEvent.Of(record, user, keep, client, now));
                await db.SaveChangesAsync(CancellationToken.None);
            }

            await transaction.CommitAsync(CancellationToken.None);
            return ended;
        });
        foreach (var session in ended)
        {
            revoker.Remember(session, reason);
        }

        return ended.Count;
    }
}

/// <summary>Statements on the sessions of one person, for whoever changes an account in a transaction of his own.</summary>
internal static class SessionEndingStatements
{
    /// <summary>Lets a session live on under the new stamp of its account.</summary>
    /// <returns>False if the session has ended.</returns>
    public static async Task<bool> MoveStampAsync(this WebAppDb db, UserId user, SessionId keep, string stamp) => await db.Sessions
        .Where(row => row.Id == keep.Value && row.UserId == user.Value && row.RevokedAt == null)
        .ExecuteUpdateAsync(row => row.SetProperty(each => each.SecurityStamp, stamp)) == 1;

    /// <summary>Ends the rows of every living session of a person but one.</summary>
    /// <returns>Which. This node's memory learns of them after the commit, by <see cref="SessionRevoker.Remember"/>.</returns>
    public static async Task<IReadOnlyList<SessionId>> EndSessionsAsync(
        this WebAppDb db, UserId user, SessionId? keep, RefusalReason reason, DateTimeOffset now)
    {
        var kept = keep?.Value;
        await db.Sessions
            .Where(row => row.UserId == user.Value && row.Id != kept && row.RevokedAt == null)
            .ExecuteUpdateAsync(row => row
                .SetProperty(each => each.RevokedAt, now)
                .SetProperty(each => each.RevokedReason, reason.Name()));

        // Looked up afterwards: a session that was opened between a look before and the statement would be missing.
        var ended = await db.Sessions
            .Where(row => row.UserId == user.Value && row.RevokedAt == now)
            .Select(row => row.Id)
            .ToListAsync();
        return [.. ended.Select(id => new SessionId(id))];
    }
}
