using Microsoft.EntityFrameworkCore;
using WebApp.Telemetry;
using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>
/// Fills <see cref="RevokedSessions"/> from the database: once before the site serves its first request, then every second.
/// </summary>
internal sealed partial class RevokedSessionsReader(
    IDbContextFactory<WebAppDb> databases,
    RevokedSessions revoked,
    TimeProvider time,
    ILogger<RevokedSessionsReader> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How far back each reading looks beyond the one before: a revocation carries the time at which its transaction began, and
    /// is visible from its commit on.
    /// </summary>
    private static readonly TimeSpan Overlap = TimeSpan.FromSeconds(30);

    private DateTimeOffset readUpTo;

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        readUpTo = time.GetUtcNow() - revoked.Retention;
        await ReadAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await ReadAsync(stoppingToken);
                revoked.Forget();
            }
            catch (Exception away) when (away.IsDatabaseAway())
            {
                Stale(logger, away, readUpTo);
            }
        }
    }

    private async Task ReadAsync(CancellationToken cancellation)
    {
        var startedAt = time.GetUtcNow();
        var since = readUpTo - Overlap;
        await using var db = await databases.CreateDbContextAsync(cancellation);
        var found = await db.Sessions.AsNoTracking()
            .Where(row => row.RevokedAt >= since)
            .Select(row => new { row.Id, row.RevokedReason })
            .ToListAsync(cancellation);
        foreach (var row in found)
        {
            revoked.Add(new SessionId(row.Id), RefusalReasonNames.Parse(row.RevokedReason) ?? RefusalReason.Revoked);
        }

        readUpTo = startedAt;
    }

    [LoggerMessage(LogEvents.RevokedListStale, LogLevel.Warning,
        "The list of revoked sessions could not be read; it stands as of {ReadUpTo:O}.")]
    private static partial void Stale(ILogger logger, Exception exception, DateTimeOffset readUpTo);
}
