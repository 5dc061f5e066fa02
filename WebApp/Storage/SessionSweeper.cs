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

    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);
    private static readonly TimeSpan Grace = TimeSpan.FromDays(1);

    /// <summary>Deletes at most <see cref="BatchSize"/> rows and says how many it deleted.</summary>
    public async Task<int> SweepOnceAsync(CancellationToken cancellation)
    {
        var endedBefore = time.GetUtcNow() - Grace;
        var idleBefore = endedBefore - options.Value.IdleTimeout;
        await using var db = await databases.CreateDbContextAsync(cancellation);
        return await db.Sessions
            .Where(row => row.ExpiresAt < endedBefore || row.LastUsedAt < idleBefore)
            .OrderBy(row => row.Id)
            .Take(BatchSize)
            .ExecuteDeleteAsync(cancellation);
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
        var total = 0;
        int deleted;
        do
        {
            deleted = await SweepOnceAsync(stopping);
            total += deleted;
        }
        while (deleted == BatchSize);

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
