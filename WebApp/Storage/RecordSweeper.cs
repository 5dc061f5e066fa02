using Microsoft.EntityFrameworkCore;
using WebApp.Telemetry;

namespace WebApp.Storage;

/// <summary>Deletes kept forms whose time is over, and what is recorded of accounts once it is half a year old.</summary>
internal sealed partial class RecordSweeper(
    IDbContextFactory<WebAppDb> databases, TimeProvider time, ILogger<RecordSweeper> logger) : BackgroundService
{
    /// <summary>Rows deleted by one statement.</summary>
    private const int BatchSize = 500;

    public static readonly TimeSpan RecordsLast = TimeSpan.FromDays(180);

    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    public async Task SweepAsync(CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        await using var db = await databases.CreateDbContextAsync(cancellation);
        await DeleteAsync(
            db.KeptForms.Where(form => form.ExpiresAt <= now).OrderBy(form => form.ExpiresAt).Select(form => form.Id),
            ids => db.KeptForms.Where(form => ids.Contains(form.Id)),
            cancellation);
        await DeleteAsync(
            db.SecurityEvents.Where(each => each.At < now - RecordsLast).OrderBy(each => each.At).Select(each => each.Id),
            ids => db.SecurityEvents.Where(each => ids.Contains(each.Id)),
            cancellation);
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

    /// <summary>Batch by batch, and by their keys, so that nobody who writes waits for long.</summary>
    private static async Task DeleteAsync<TId, TRow>(
        IQueryable<TId> due, Func<List<TId>, IQueryable<TRow>> rows, CancellationToken cancellation)
    {
        List<TId> ids;
        do
        {
            ids = await due.Take(BatchSize).ToListAsync(cancellation);
            await rows(ids).ExecuteDeleteAsync(cancellation);
        }
        while (ids.Count == BatchSize);
    }

    [LoggerMessage(LogEvents.RecordSweepFailed, LogLevel.Warning, "Old records could not be swept; the next sweep takes them.")]
    private static partial void SweepFailed(ILogger logger, Exception exception);
}
