using Microsoft.EntityFrameworkCore;
using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>Reads what is recorded of an account, for its owner.</summary>
internal sealed class SecurityLog(IDbContextFactory<WebAppDb> databases, TimeProvider time)
{
    /// <summary>Most events on one page.</summary>
    public const int PageSize = 50;

    /// <summary>The events of an account, the newest first.</summary>
    /// <param name="user">Whose.</param>
    /// <param name="before">The last of the page before; null for the first page.</param>
    public async Task<SecurityLogPage> PageAsync(UserId user, SecurityLogPlace? before, CancellationToken cancellation)
    {
        await using var db = await databases.CreateDbContextAsync(cancellation);

        // Said twice, because of the first alone a database knows where in the index to begin.
        var place = before ?? SecurityLogPlace.Newest;
        var found = await db.SecurityEvents.AsNoTracking()
            .Where(each => each.UserId == user.Value && each.At <= place.At && (each.At < place.At || each.Id < place.Id))
            .OrderByDescending(each => each.At).ThenByDescending(each => each.Id)
            .Take(PageSize + 1)
            .ToListAsync(cancellation);
        var page = found.Take(PageSize).ToList();
        return new SecurityLogPage(page, found.Count > PageSize ? new SecurityLogPlace(page[^1].At, page[^1].Id) : null);
    }

    /// <summary>The newest copy of a session that was found out and not yet shown to the owner, or null.</summary>
    public async Task<SecurityEvent?> UnnoticedReuseAsync(UserId user, CancellationToken cancellation)
    {
        await using var db = await databases.CreateDbContextAsync(cancellation);
        return await db.SecurityEvents.AsNoTracking()
            .Where(each => each.UserId == user.Value && each.NoticedAt == null && each.Kind == SecurityEventKinds.Reuse)
            .OrderByDescending(each => each.At)
            .FirstOrDefaultAsync(cancellation);
    }

    /// <summary>The owner has been shown it, and all before it.</summary>
    public async Task NoticeAsync(UserId user, DateTimeOffset upTo)
    {
        var now = time.GetUtcNow();
        await using var db = await databases.CreateDbContextAsync(CancellationToken.None);
        await db.SecurityEvents
            .Where(each => each.UserId == user.Value
                && each.NoticedAt == null
                && each.Kind == SecurityEventKinds.Reuse
                && each.At <= upTo)
            .ExecuteUpdateAsync(each => each.SetProperty(row => row.NoticedAt, now));
    }
}

/// <summary>A place in the order of time.</summary>
internal readonly record struct SecurityLogPlace(DateTimeOffset At, long Id)
{
    /// <summary>Before every event.</summary>
    public static SecurityLogPlace Newest { get; } = new(DateTimeOffset.MaxValue, long.MaxValue);
}

/// <summary>One page of events.</summary>
/// <param name="Next">Where the next page begins; null on the last one.</param>
internal sealed record SecurityLogPage(IReadOnlyList<SecurityEvent> Events, SecurityLogPlace? Next);
