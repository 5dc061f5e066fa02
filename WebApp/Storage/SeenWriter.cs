using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.EntityFrameworkCore;
using WebApp.Telemetry;
using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>
/// Writes down that a browser has proved to hold a session's current generation (protocol, "Seen"). Nothing on the request path
/// waits for it: a proof is queued, proofs of one session are merged, and the database is written behind the requests' backs.
/// </summary>
internal sealed partial class SeenWriter(
    IDbContextFactory<WebAppDb> databases,
    TimeProvider time,
    ILogger<SeenWriter> logger) : BackgroundService
{
    /// <summary>
    /// How many sessions may wait to be written. A proof beyond that is dropped, which errs on the safe side: a generation that
    /// counts as unseen keeps its spent token good for longer.
    /// </summary>
    private const int MaxWaiting = 10_000;

    private static readonly TimeSpan PauseAfterFault = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<SessionId, Generation> waiting = new();
    private readonly Channel<bool> bell = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    /// <summary>Queues the proof that the session's browser holds this generation. Never waits.</summary>
    public void Queue(SessionId session, Generation generation)
    {
        if (waiting.Count < MaxWaiting)
        {
            waiting.AddOrUpdate(session, generation, (_, known) => known.Value > generation.Value ? known : generation);
            bell.Writer.TryWrite(true);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (await bell.Reader.WaitToReadAsync(stoppingToken))
        {
            bell.Reader.TryRead(out _);
            if (!await TryWriteAllAsync(stoppingToken))
            {
                await Task.Delay(PauseAfterFault, time, stoppingToken);
                bell.Writer.TryWrite(true);
            }
        }
    }

    /// <summary>False when the database is away; what is left waits for the next try.</summary>
    private async Task<bool> TryWriteAllAsync(CancellationToken stopping)
    {
        try
        {
            await using var db = await databases.CreateDbContextAsync(stopping);
            foreach (var proof in waiting)
            {
                await WriteAsync(db, proof.Key, proof.Value, stopping);
                waiting.TryRemove(proof);
            }

            return true;
        }
        catch (Exception away) when (away.IsDatabaseAway())
        {
            WriteFailed(logger, away, waiting.Count);
            return false;
        }
    }

    /// <summary>
    /// The window counts from this write and not from the proof: had the database been away in between, a window counted from
    /// the proof could be over before any node had granted a replay in it.
    /// </summary>
    private async Task WriteAsync(WebAppDb db, SessionId session, Generation generation, CancellationToken stopping)
    {
        var now = time.GetUtcNow();
        await db.Sessions
            .Where(row => row.Id == session.Value && row.Generation == generation.Value && row.SeenAt == null)
            .ExecuteUpdateAsync(row => row.SetProperty(each => each.SeenAt, now), stopping);
    }

    [LoggerMessage(LogEvents.SeenWriteFailed, LogLevel.Warning, "{Count} proofs of receipt could not be written; they are tried again.")]
    private static partial void WriteFailed(ILogger logger, Exception exception, int count);
}
