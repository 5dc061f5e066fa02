using Microsoft.EntityFrameworkCore;
using WebApp.Telemetry;

namespace WebApp.Storage;

/// <summary>Writes what waits in <see cref="SecurityEvents"/>. Nothing is decided by an event, so one may be lost in a crash.</summary>
internal sealed partial class SecurityEventWriter(
    SecurityEvents events, IDbContextFactory<WebAppDb> databases, ILogger<SecurityEventWriter> logger) : BackgroundService
{
    /// <summary>Written in one transaction.</summary>
    private const int BatchSize = 100;

    /// <summary>Writes what is still waiting, so that an orderly end loses no event.</summary>
    /// <param name="cancellationToken">The end of the host's patience.</param>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await WriteWaitingAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (await events.Waiting.WaitToReadAsync(stoppingToken))
        {
            // Not the host's token: a batch that was begun is written.
            await WriteWaitingAsync(CancellationToken.None);
        }
    }

    private async Task WriteWaitingAsync(CancellationToken impatience)
    {
        var batch = new List<SecurityEvent>(BatchSize);
        while (events.Waiting.TryRead(out var next))
        {
            batch.Add(next);
            if (batch.Count == BatchSize)
            {
                await WriteAsync(batch, impatience);
                batch.Clear();
            }
        }

        if (batch.Count > 0)
        {
            await WriteAsync(batch, impatience);
        }
    }

    /// <summary>What cannot be written is dropped, and the log says so: a site whose database is away has other cares.</summary>
    private async Task WriteAsync(List<SecurityEvent> batch, CancellationToken impatience)
    {
        try
        {
            await using var db = await databases.CreateDbContextAsync(impatience);
            db.SecurityEvents.AddRange(batch);
            await db.SaveChangesAsync(impatience);
        }
        catch (Exception away) when (away.IsDatabaseAway() || (away is OperationCanceledException && impatience.IsCancellationRequested))
        {
            Lost(logger, away, batch.Count);
        }
    }

    [LoggerMessage(LogEvents.SecurityEventsLost, LogLevel.Warning, "{Count} security events could not be written.")]
    private static partial void Lost(ILogger logger, Exception exception, int count);
}
