using Microsoft.EntityFrameworkCore;
using WebApp.Tokens;

namespace WebApp.Storage;

/// <inheritdoc cref="ISessionRows"/>
internal sealed class SessionRows(IDbContextFactory<WebAppDb> databases, UpstreamTokenProtector upstream) : ISessionRows
{
    public async Task<SessionState?> FindAsync(SessionId session, CancellationToken cancellation)
    {
        await using var db = await databases.CreateDbContextAsync(cancellation);

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
            .ToListAsync(cancellation);
        if (found.Count == 0)
        {
            return null;
        }

        return new SessionState(found[0].Row, found[0].Account is { } known
            ? new AccountState(
                known.UserName ?? "", known.Disabled, known.SecurityStamp ?? "", [.. found.Select(each => each.Role).OfType<string>()])
            : null)
        {
            Upstream = upstream.Read(found[0].Row.UpstreamTokens),
        };
    }

    public async Task<SessionState?> TryOpenAsync(SessionRow row, CancellationToken cancellation)
    {
        await using var db = await databases.CreateDbContextAsync(cancellation);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellation);

        // A write that changes nothing, for its condition and its lock: whoever disables the account waits until this session is
        // there to be ended, or comes first and is seen here (scenario 36).
        var account = db.Users.Where(each =>
            each.Id == row.UserId && !each.Disabled && each.SecurityStamp == row.SecurityStamp);
        if (await account.ExecuteUpdateAsync(user => user.SetProperty(each => each.Disabled, each => each.Disabled), cancellation) == 0)
        {
            return null;
        }

        var name = await account.Select(each => each.UserName).SingleAsync(cancellation);
        var roles = await (from membership in db.UserRoles
                           join role in db.Roles on membership.RoleId equals role.Id
                           where membership.UserId == row.UserId
                           orderby role.Name
                           select role.Name).ToListAsync(cancellation);
        db.Sessions.Add(row);
        db.SecurityEvents.Add(SecurityEvent.Of(
            SecurityEventKinds.SignedIn, new UserId(row.UserId), new SessionId(row.Id), new ClientInfo(row.UserAgent, row.IpAddress), row.CreatedAt));
        await db.SaveChangesAsync(cancellation);
        await transaction.CommitAsync(cancellation);
        return new SessionState(row, new AccountState(name ?? "", false, row.SecurityStamp, roles))
        {
            Upstream = upstream.Read(row.UpstreamTokens),
        };
    }

    /// <summary>
    /// A generation ahead of the row's is let through: a database that failed over may have lost its last commit. The account is
    /// judged inside, because a look beforehand would let an account that is being disabled rotate once more.
    /// </summary>
    public async Task<bool> TryRotateAsync(
        RefreshToken presented, DateTimeOffset now, DateTimeOffset idleSince, UpstreamRenewal? renewal, CancellationToken cancellation)
    {
        var next = presented.Generation.Next.Value;
        await using var db = await databases.CreateDbContextAsync(cancellation);
        var rotatable = db.Sessions
            .Where(row => row.Id == presented.Session.Value
                && row.Generation <= presented.Generation.Value
                && row.RevokedAt == null
                && row.ExpiresAt > now
                && row.LastUsedAt > idleSince
                && db.Users.Any(account =>
                    account.Id == row.UserId && !account.Disabled && account.SecurityStamp == row.SecurityStamp));
        if (renewal is not null)
        {
            rotatable = rotatable.Where(row => row.UpstreamVersion == renewal.Replaces);
        }

        var rows = await rotatable.ExecuteUpdateAsync(
                row =>
                {
                    row.SetProperty(session => session.Generation, next)
                        .SetProperty(session => session.SeenAt, (DateTimeOffset?)null)
                        .SetProperty(session => session.RotatedAt, now)
                        .SetProperty(session => session.LastUsedAt, now);
                    if (renewal is not null)
                    {
                        row.Store(renewal);
                    }
                },
                cancellation);
        return rows == 1;
    }

    public async Task<bool> TryRenewAsync(
        SessionId session, Generation current, DateTimeOffset now, DateTimeOffset seenSince, CancellationToken cancellation)
    {
        await using var db = await databases.CreateDbContextAsync(cancellation);
        var rows = await db.Sessions
            .Where(row => row.Id == session.Value
                && row.Generation == current.Value
                && (row.SeenAt == null || row.SeenAt >= seenSince)
                && row.RevokedAt == null
                && row.ExpiresAt > now
                && db.Users.Any(account =>
                    account.Id == row.UserId && !account.Disabled && account.SecurityStamp == row.SecurityStamp))
            .ExecuteUpdateAsync(row => row.SetProperty(each => each.LastUsedAt, now), cancellation);
        return rows == 1;
    }

    public async Task<bool> TryRevokeAsync(
        SessionId session, RefusalReason reason, DateTimeOffset now, SecurityEvent? record, CancellationToken cancellation)
    {
        await using var db = await databases.CreateDbContextAsync(cancellation);
        await using var transaction = record is null ? null : await db.Database.BeginTransactionAsync(cancellation);
        var rows = await db.Sessions
            .Where(row => row.Id == session.Value && row.RevokedAt == null)
            .ExecuteUpdateAsync(
                row => row
                    .SetProperty(each => each.RevokedAt, now)
                    .SetProperty(each => each.RevokedReason, reason.Name()),
                cancellation);
        if (rows == 0 || record is null || transaction is null)
        {
            return rows == 1;
        }

        db.SecurityEvents.Add(record);
        await db.SaveChangesAsync(cancellation);
        await transaction.CommitAsync(cancellation);
        return true;
    }

    public async Task MarkSeenAsync(
        IReadOnlyCollection<SessionProof> proofs, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var db = await databases.CreateDbContextAsync(cancellation);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellation);

        // In one order on all nodes, so that two transactions never wait for each other (scenario 25).
        foreach (var proof in proofs.OrderBy(proof => proof.Session.Value))
        {
            await db.Sessions
                .Where(row => row.Id == proof.Session.Value
                    && row.Generation == proof.Generation.Value
                    && row.Transport == proof.Transport
                    && row.SeenAt == null)
                .ExecuteUpdateAsync(row => row.SetProperty(each => each.SeenAt, now), cancellation);
        }

        await transaction.CommitAsync(cancellation);
    }

    public async Task<IReadOnlyList<KeyValuePair<SessionId, RefusalReason>>> RevokedSinceAsync(
        DateTimeOffset since, CancellationToken cancellation)
    {
        await using var db = await databases.CreateDbContextAsync(cancellation);
        var found = await db.Sessions.AsNoTracking()
            .Where(row => row.RevokedAt >= since)
            .Select(row => new { row.Id, row.RevokedReason })
            .ToListAsync(cancellation);
        return [.. found.Select(row => KeyValuePair.Create(
            new SessionId(row.Id), RefusalReasonNames.Parse(row.RevokedReason) ?? RefusalReason.Revoked))];
    }
}
