using System.Collections.Concurrent;
using System.Threading.Channels;
using WebApp.Telemetry;
using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>
/// Writes down that somebody has proved to hold a session's current generation (protocol, "Seen"). Nothing on the request path
/// waits for it: a proof is queued, proofs of one session are merged, and the database is written behind the requests' backs.
/// </summary>
internal sealed partial class SeenWriter(
    ISessionRows rows,
    TimeProvider time,
    ILogger<SeenWriter> logger) : BackgroundService
{
    /// <summary>
    /// How many sessions may wait to be written. A proof beyond that is dropped, which errs on the safe side: a generation that
    /// counts as unseen keeps its spent token good for longer.
    /// </summary>
    private const int MaxWaiting = 10_000;

    /// <summary>Proofs written in one transaction. Small, so that no refresh waits long for a batch.</summary>
    private const int BatchSize = 100;

    private static readonly TimeSpan PauseAfterFault = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<(SessionId Session, SessionTransport Transport), Generation> waiting = new();
    private readonly Channel<bool> bell = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    /// <summary>Queues the proof that the session's browser or program holds its generation. Never waits.</summary>
    public void Queue(SessionProof proof)
    {
        if (waiting.Count < MaxWaiting)
        {
            waiting.AddOrUpdate(
                (proof.Session, proof.Transport),
                proof.Generation,
                (_, known) => known.Value > proof.Generation.Value ? known : proof.Generation);
            bell.Writer.TryWrite(true);
        }
    }

    /// <summary>Writes what is still waiting, so that an orderly end loses no proof (scenario 19).</summary>
    /// <param name="cancellationToken">The end of the host's patience. A proof that is lost then errs on the safe side.</param>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await TryWriteAllAsync(cancellationToken);
        }
        catch (OperationCanceledException tooSlow) when (cancellationToken.IsCancellationRequested)
        {
            WriteFailed(logger, tooSlow, waiting.Count);
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => RunAsync(stoppingToken);

    internal async Task RunAsync(CancellationToken stopping)
    {
        while (await bell.Reader.WaitToReadAsync(stopping))
        {
            bell.Reader.TryRead(out _);
            if (!await TryWriteAllAsync(stopping))
            {
                await Task.Delay(PauseAfterFault, time, stopping);
                bell.Writer.TryWrite(true);
            }
        }
    }

    /// <summary>False when the database is away; what is left waits for the next try.</summary>
    private async Task<bool> TryWriteAllAsync(CancellationToken stopping)
    {
        try
        {
            foreach (var batch in waiting.Chunk(BatchSize))
            {
                // The window counts from this write and not from the proof: had the database been away in between, a window
                // counted from the proof could be over before any node had granted a replay in it.
                await rows.MarkSeenAsync(
                    [.. batch.Select(each => new SessionProof(each.Key.Session, each.Value, each.Key.Transport))], time.GetUtcNow(), stopping);
                foreach (var proof in batch)
                {
                    waiting.TryRemove(proof);
                }
            }

            return true;
        }
        catch (Exception away) when (away.IsDatabaseAway())
        {
            WriteFailed(logger, away, waiting.Count);
            return false;
        }
    }

    [LoggerMessage(LogEvents.SeenWriteFailed, LogLevel.Warning, "{Count} proofs of receipt could not be written; while the site runs they are tried again.")]
    private static partial void WriteFailed(ILogger logger, Exception exception, int count);
}
