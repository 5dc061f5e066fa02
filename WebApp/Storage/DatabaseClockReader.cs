using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using WebApp.Telemetry;

namespace WebApp.Storage;

/// <summary>
/// Looks at the database's clock before the site serves its first request, every minute, and when this machine's clocks have
/// moved apart. Readiness says so when the machine's wall clock is more than a second off.
/// </summary>
internal sealed partial class DatabaseClockReader(
    IDbContextFactory<WebAppDb> databases,
    DatabaseClock clock,
    ILogger<DatabaseClockReader> logger) : BackgroundService, IHealthCheck
{
    private const string Now = """SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) AS "Value" """;

    /// <summary>Of so many looks the quickest counts: the time on the way there and back is what a look may be wrong by.</summary>
    private const int Looks = 3;

    /// <summary>How old a look at the database may grow.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(1);

    /// <summary>How often this machine's clocks are compared, which costs nothing.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(1);

    private bool isAway;

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await ReadAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(clock.Offset.Duration() <= Tolerance
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Degraded($"This machine's clock is {clock.Offset.Duration():c} off; the database's is used."));

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (clock.Age < MaxAge && clock.Drift.Duration() < Tolerance)
            {
                continue;
            }

            try
            {
                await ReadAsync(stoppingToken);
                isAway = false;
            }
            catch (Exception away) when (away.IsDatabaseAway())
            {
                if (!isAway)
                {
                    // Told once, however many seconds it lasts.
                    isAway = true;
                    NotRead(logger, away);
                }
            }
        }
    }

    private async Task ReadAsync(CancellationToken cancellation)
    {
        await using var db = await databases.CreateDbContextAsync(cancellation);
        var quickest = TimeSpan.MaxValue;
        for (var look = 0; look < Looks; look++)
        {
            var asked = clock.GetTimestamp();
            var shown = await db.Database.SqlQueryRaw<long>(Now).SingleAsync(cancellation);
            var took = clock.GetElapsedTime(asked);
            if (took < quickest)
            {
                quickest = took;
                clock.Set(DateTimeOffset.FromUnixTimeMilliseconds(shown) + (took / 2));
            }
        }

        if (clock.Offset.Duration() > Tolerance)
        {
            MachineIsOff(logger, clock.Offset);
        }
    }

    [LoggerMessage(LogEvents.DatabaseClockNotRead, LogLevel.Warning, "The database's clock could not be read; it goes on as last seen.")]
    private static partial void NotRead(ILogger logger, Exception exception);

    [LoggerMessage(LogEvents.MachineClockOff, LogLevel.Warning, "This machine's clock is off by {Offset}; the database's is used.")]
    private static partial void MachineIsOff(ILogger logger, TimeSpan offset);
}
