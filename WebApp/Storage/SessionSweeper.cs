using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Telemetry;

namespace WebApp.Storage;

/// <summary>
/// Deletes the rows of sessions that no token can bring back: past their absolute or idle limit for a day. Until then a row
/// tells a copy from a race, and an ended session's person why (scenario 39).
/// </summary>
internal sealed partial class SessionSweeper(
    IDbContextFactory<WebAppDb> databases,
    IOptions<SessionsOptions> options,
    TimeProvider time,
    ILogger<SessionSweeper> logger) : BackgroundService
{
    /// <summary>Rows deleted by one statement. Small, so that a refresh never waits long for a sweep.</summary>
    public const int BatchSize = 500;

    /// <summary>
    /// Between two batches: longer than a statement that found the database busy sleeps before it tries again (150 ms in
    /// Microsoft.Data.Sqlite), so that whoever waits has a turn after each batch.
    /// </summary>
    public static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);
    private static readonly TimeSpan Grace = TimeSpan.FromDays(1);

    /// <summary>Deletes at most <see cref="BatchSize"/> rows and says how many it deleted.</summary>
    public async Task<int> SweepOnceAsync(CancellationToken cancellation)
    {
        var endedBefore = time.GetUtcNow() - Grace;
        var idleBefore = endedBefore - options.Value.IdleTimeout;
        await using var db = await databases.CreateDbContextAsync(cancellation);

        // Each limit by itself, in the order of its index. For both together the planner reads the whole table.
        var ended = await DeleteAsync(
            db, db.Sessions.Where(row => row.ExpiresAt < endedBefore).OrderBy(row => row.ExpiresAt), BatchSize, cancellation);
        return ended == BatchSize
            ? ended
            : ended + await DeleteAsync(
                db, db.Sessions.Where(row => row.LastUsedAt < idleBefore).OrderBy(row => row.LastUsedAt), BatchSize - ended, cancellation);
    }

    /// <summary>
    /// Looks up which, and deletes them by their keys: for a delete with a subquery PostgreSQL would read the whole table. What is
    /// due stays due, so nothing can happen in between that must be asked again.
    /// </summary>
    private static async Task<int> DeleteAsync(WebAppDb db, IQueryable<SessionRow> due, int most, CancellationToken cancellation)
    {
        var ids = await due.Take(most).Select(row => row.Id).ToListAsync(cancellation);
        return ids.Count == 0 ? 0 : await db.Sessions.Where(row => ids.Contains(row.Id)).ExecuteDeleteAsync(cancellation);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await SweepAsync(stoppingToken);
            }
            catch (Exception away) when (away.IsDatabaseAway())
            {
                SweepFailed(logger, away);
            }
        }
    }

    private async Task SweepAsync(CancellationToken stopping)
    {
        var deleted = await SweepOnceAsync(stopping);
        var total = deleted;
        while (deleted == BatchSize)
        {
            await Task.Delay(Pause, time, stopping);
            deleted = await SweepOnceAsync(stopping);
            total += deleted;
        }

        if (total > 0)
        {
            Swept(logger, total);
        }
    }

    [LoggerMessage(LogEvents.SweepFailed, LogLevel.Warning, "Ended sessions could not be swept; the next sweep takes them.")]
    private static partial void SweepFailed(ILogger logger, Exception exception);

    [LoggerMessage(LogEvents.Swept, LogLevel.Information, "{Count} ended sessions were deleted.")]
    private static partial void Swept(ILogger logger, int count);
}
