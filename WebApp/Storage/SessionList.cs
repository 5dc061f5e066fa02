using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>Reads sessions for the eyes of their owner and of administrators. Every query follows an index, with a bound.</summary>
internal sealed class SessionList(
    IDbContextFactory<WebAppDb> databases, IOptions<SessionsOptions> options, TimeProvider time)
{
    /// <summary>Most sessions on one page.</summary>
    public const int PageSize = 50;

    /// <summary>The sessions of a person that still live, the one used last first; the <see cref="PageSize"/> newest.</summary>
    public async Task<IReadOnlyList<SessionSummary>> LivingAsync(UserId user, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        var idleSince = now - options.Value.IdleTimeout;
        await using var db = await databases.CreateDbContextAsync(cancellation);
        var rows = await Summaries(db.Sessions
                .Where(row => row.UserId == user.Value
                    && row.LastUsedAt > idleSince
                    && row.RevokedAt == null
                    && row.ExpiresAt > now)
                .OrderByDescending(row => row.LastUsedAt)
                .Take(PageSize))
            .ToListAsync(cancellation);
        return rows;
    }

    /// <summary>
    /// Sessions in the order of their last use, the ended ones too, beginning after the one that <paramref name="after"/> names.
    /// </summary>
    /// <param name="account">Whose; null for everybody's.</param>
    /// <param name="after">The last of the page before; null for the first page.</param>
    public async Task<SessionPage> PageAsync(UserId? account, SessionPlace? after, CancellationToken cancellation)
    {
        await using var db = await databases.CreateDbContextAsync(cancellation);
        IQueryable<SessionRow> rows = db.Sessions;
        if (account is { } user)
        {
            rows = rows.Where(row => row.UserId == user.Value);
        }

        // Said twice, because of the first alone a database knows where in the index to begin.
        var place = after ?? SessionPlace.Newest;
        var found = await Summaries(rows
                .Where(row => row.LastUsedAt <= place.LastUsedAt
                    && (row.LastUsedAt < place.LastUsedAt || row.Id.CompareTo(place.Session.Value) < 0))
                .OrderByDescending(row => row.LastUsedAt).ThenByDescending(row => row.Id)
                .Take(PageSize + 1))
            .ToListAsync(cancellation);
        var page = found.Take(PageSize).ToList();
        var users = page.Select(each => each.User.Value).Distinct().ToList();
        var names = await db.Users.AsNoTracking()
            .Where(each => users.Contains(each.Id))
            .ToDictionaryAsync(each => each.Id, each => each.UserName ?? "", cancellation);
        return new SessionPage(
            page,
            names,
            found.Count > PageSize ? new SessionPlace(page[^1].LastUsedAt, page[^1].Session) : null);
    }

    /// <summary>The account of that name or e-mail address, or null.</summary>
    public async Task<UserId?> FindAccountAsync(string text, CancellationToken cancellation)
    {
        var normalized = text.Trim().ToUpperInvariant();
        await using var db = await databases.CreateDbContextAsync(cancellation);
        var id = await db.Users.Where(each => each.NormalizedUserName == normalized).Select(each => each.Id).FirstOrDefaultAsync(cancellation)
            ?? await db.Users.Where(each => each.NormalizedEmail == normalized).Select(each => each.Id).FirstOrDefaultAsync(cancellation);
        return id is null ? null : new UserId(id);
    }

    /// <summary>Whether a session that nobody has ended has reached a limit.</summary>
    public bool IsExpired(SessionSummary session)
    {
        var now = time.GetUtcNow();
        return now >= session.ExpiresAt || now - session.LastUsedAt >= options.Value.IdleTimeout;
    }

    private static IQueryable<SessionSummary> Summaries(IQueryable<SessionRow> rows) => rows.AsNoTracking().Select(row => new SessionSummary(
        new SessionId(row.Id),
        new UserId(row.UserId),
        row.CreatedAt,
        row.LastUsedAt,
        row.ExpiresAt,
        row.RevokedAt,
        row.RevokedReason,
        row.Transport,
        row.UserAgent,
        row.IpAddress));
}

/// <summary>What people are shown of a session.</summary>
/// <param name="LastUsedAt">Its last refresh: what happens between two of them is written nowhere.</param>
internal sealed record SessionSummary(
    SessionId Session,
    UserId User,
    DateTimeOffset CreatedAt,
    DateTimeOffset LastUsedAt,
    DateTimeOffset ExpiresAt,
    DateTimeOffset? RevokedAt,
    string? RevokedReason,
    SessionTransport Transport,
    string UserAgent,
    string IpAddress);

/// <summary>A place in the order of last use.</summary>
internal readonly record struct SessionPlace(DateTimeOffset LastUsedAt, SessionId Session)
{
    /// <summary>Before every session.</summary>
    public static SessionPlace Newest { get; } = new(DateTimeOffset.MaxValue, default);
}

/// <summary>One page of sessions.</summary>
/// <param name="Names">Of the accounts, by their ids.</param>
/// <param name="Next">Where the next page begins; null on the last one.</param>
internal sealed record SessionPage(
    IReadOnlyList<SessionSummary> Sessions, IReadOnlyDictionary<string, string> Names, SessionPlace? Next);
