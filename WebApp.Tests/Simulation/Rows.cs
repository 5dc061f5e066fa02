using System.Globalization;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Tests.Simulation;

/// <summary>
/// The statements of <see cref="SessionRows"/> on rows in memory. A test runs both on the same statements and compares
/// (<c>SameStatementsTests</c>).
/// </summary>
internal sealed class Rows(World world, Node node) : ISessionRows
{
    private Database Database => world.Database;

    public Task<SessionState?> FindAsync(SessionId session, CancellationToken cancellation) => AskAsync(
        $"reads {Name(session)}", () => Find(session), cancellation);

    public Task<SessionState?> TryOpenAsync(SessionRow row, CancellationToken cancellation) => AskAsync(
        $"opens a session of {row.UserId}", () => TryOpen(row), cancellation);

    public Task<bool> TryRotateAsync(
        RefreshToken presented, DateTimeOffset now, DateTimeOffset idleSince, UpstreamRenewal? renewal, CancellationToken cancellation) => AskAsync(
        $"rotates {Name(presented.Session)} from g{presented.Generation}",
        () => TryRotate(presented, Ms(now), Ms(idleSince)), cancellation);

    public Task<bool> TryRenewAsync(
        SessionId session, Generation current, DateTimeOffset now, DateTimeOffset seenSince, CancellationToken cancellation) => AskAsync(
        $"renews {Name(session)} at g{current}", () => TryRenew(session, current, Ms(now), Ms(seenSince)), cancellation);

    public Task<bool> TryRevokeAsync(
        SessionId session, RefusalReason reason, DateTimeOffset now, SecurityEvent? record, CancellationToken cancellation) => AskAsync(
        $"revokes {Name(session)} ({reason.Name()})", () => TryRevoke(session, reason, Ms(now), record), cancellation);

    public Task MarkSeenAsync(
        IReadOnlyCollection<SessionProof> proofs, DateTimeOffset now, CancellationToken cancellation) => AskAsync(
        $"has seen {string.Join(", ", proofs.Select(each => $"{Name(each.Session)} g{each.Generation}").Order(StringComparer.Ordinal))}",
        () => MarkSeen(proofs, Ms(now)), cancellation);

    public Task<IReadOnlyList<KeyValuePair<SessionId, RefusalReason>>> RevokedSinceAsync(
        DateTimeOffset since, CancellationToken cancellation) => Database.AskAsync(node, () => RevokedSince(Ms(since)), cancellation);

    private SessionState? Find(SessionId session)
    {
        if (Database.Find(session) is not { } row)
        {
            return null;
        }

        var account = Database.AccountOf(row.UserId);
        return new SessionState(Copy(row), new AccountState(account.UserName!, account.Disabled, account.SecurityStamp!, []));
    }

    private SessionState? TryOpen(SessionRow row)
    {
        var account = Database.AccountOf(row.UserId);
        if (account.Disabled || account.SecurityStamp != row.SecurityStamp)
        {
            return null;
        }

        var kept = Copy(row);
        kept.CreatedAt = Ms(row.CreatedAt);
        kept.RotatedAt = Ms(row.RotatedAt);
        kept.LastUsedAt = Ms(row.LastUsedAt);
        kept.ExpiresAt = Ms(row.ExpiresAt);
        Database.Add(kept);
        world.Judge.Opened(kept);
        return new SessionState(row, new AccountState(account.UserName!, false, row.SecurityStamp, []));
    }

    private bool TryRotate(RefreshToken presented, DateTimeOffset now, DateTimeOffset idleSince)
    {
        var row = Database.Find(presented.Session);
        if (row is null
            || row.Generation > presented.Generation.Value
            || row.RevokedAt is not null
            || row.ExpiresAt <= now
            || row.LastUsedAt <= idleSince
            || !HasItsAccount(row))
        {
            return false;
        }

        var before = Copy(row);
        row.Generation = presented.Generation.Next.Value;
        row.SeenAt = null;
        row.RotatedAt = now;
        row.LastUsedAt = now;
        Database.Rotated(before);
        world.Judge.Rotated(before, row);
        return true;
    }

    private bool TryRenew(SessionId session, Generation current, DateTimeOffset now, DateTimeOffset seenSince)
    {
        var row = Database.Find(session);
        if (row is null
            || row.Generation != current.Value
            || (row.SeenAt is { } seenAt && seenAt < seenSince)
            || row.RevokedAt is not null
            || row.ExpiresAt <= now
            || !HasItsAccount(row))
        {
            return false;
        }

        row.LastUsedAt = now;
        world.Judge.Replayed(row);
        return true;
    }

    private bool TryRevoke(SessionId session, RefusalReason reason, DateTimeOffset now, SecurityEvent? record)
    {
        var row = Database.Find(session);
        if (row is null || row.RevokedAt is not null)
        {
            return false;
        }

        row.RevokedAt = now;
        row.RevokedReason = reason.Name();
        if (record is not null)
        {
            Database.Events.Add(record);
        }

        world.Judge.Revoked(row);
        return true;
    }

    private bool MarkSeen(IReadOnlyCollection<SessionProof> proofs, DateTimeOffset now)
    {
        foreach (var proof in proofs)
        {
            if (Database.Find(proof.Session) is { SeenAt: null } row
                && row.Generation == proof.Generation.Value && row.Transport == proof.Transport)
            {
                row.SeenAt = now;
                world.Totals.Count(Event.Seen);
            }
        }

        return true;
    }

    private IReadOnlyList<KeyValuePair<SessionId, RefusalReason>> RevokedSince(DateTimeOffset since) =>
    [
        .. Database.Rows.Values
            .Where(row => row.RevokedAt >= since)
            .Select(row => KeyValuePair.Create(new SessionId(row.Id), RefusalReasonNames.Parse(row.RevokedReason)!.Value)),
    ];

    private bool HasItsAccount(SessionRow row) =>
        Database.AccountOf(row.UserId) is { Disabled: false } account && account.SecurityStamp == row.SecurityStamp;

    private Task<T> AskAsync<T>(FormattableString what, Func<T> statement, CancellationToken cancellation)
    {
        if (!world.IsTracing)
        {
            return Database.AskAsync(node, statement, cancellation);
        }

        var text = what.ToString(CultureInfo.InvariantCulture);
        return Database.AskAsync(
            node,
            () =>
            {
                var result = statement();
                world.Say($"the database, for {node}, {text}: {result switch
                {
                    bool done => done ? "done" : "conditions do not hold",
                    SessionState state => $"g{state.Row.Generation}{(state.Row.SeenAt is null ? "" : ", seen")}{(state.IsAlive ? "" : ", over")}",
                    _ => "nothing",
                }}");
                return result;
            },
            cancellation);
    }

    private string Name(SessionId session) => world.Judge.Name(session);

    /// <summary>Times in the database are whole milliseconds.</summary>
    private static DateTimeOffset Ms(DateTimeOffset time) => DateTimeOffset.FromUnixTimeMilliseconds(time.ToUnixTimeMilliseconds());

    private static SessionRow Copy(SessionRow row) => new()
    {
        Id = row.Id,
        UserId = row.UserId,
        SecurityStamp = row.SecurityStamp,
        Generation = row.Generation,
        SeenAt = row.SeenAt,
        RotatedAt = row.RotatedAt,
        CreatedAt = row.CreatedAt,
        LastUsedAt = row.LastUsedAt,
        ExpiresAt = row.ExpiresAt,
        RevokedAt = row.RevokedAt,
        RevokedReason = row.RevokedReason,
        Persistent = row.Persistent,
        Transport = row.Transport,
        UserAgent = row.UserAgent,
        IpAddress = row.IpAddress,
    };
}
