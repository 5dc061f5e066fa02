using WebApp.Telemetry;

namespace WebApp.Storage;

/// <summary>
/// Fills <see cref="RevokedSessions"/> from the database: once before the site serves its first request, then every second.
/// </summary>
internal sealed partial class RevokedSessionsReader(
    ISessionRows rows,
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
        await ReadAllAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => RunAsync(stoppingToken);

    internal async Task RunAsync(CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stopping))
        {
            try
            {
                await ReadAsync(stopping);
                revoked.Forget();
            }
            catch (Exception away) when (away.IsDatabaseAway())
            {
                Stale(logger, away, readUpTo);
            }
        }
    }

    /// <summary>Reads every session of which an access token may still be in force.</summary>
    internal Task ReadAllAsync(CancellationToken cancellation)
    {
        readUpTo = time.GetUtcNow() - revoked.Retention;
        return ReadAsync(cancellation);
    }

    internal async Task ReadAsync(CancellationToken cancellation)
    {
        var startedAt = time.GetUtcNow();
        foreach (var (session, reason) in await rows.RevokedSinceAsync(readUpTo - Overlap, cancellation))
        {
            revoked.Add(session, reason);
        }

        readUpTo = startedAt;
    }

    [LoggerMessage(LogEvents.RevokedListStale, LogLevel.Warning,
        "The list of revoked sessions could not be read; it stands as of {ReadUpTo:O}.")]
    private static partial void Stale(ILogger logger, Exception exception, DateTimeOffset readUpTo);
}
