using System.Threading.Channels;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tokens;
using WebApp.Upstream;

namespace WebApp.Coordination;

/// <summary>
/// Tells the upstream issuer of tokens that nobody is to use any more: those of a session that this node has ended, and those of
/// a pair that came second. Behind the requests' backs; an issuer that stays away is told of by the log, because its tokens end by
/// themselves.
/// </summary>
internal sealed partial class UpstreamEnds(
    IUpstreamIssuer issuer,
    ISessionRows sessions,
    RevokedSessions revoked,
    ILogger<UpstreamEnds> logger) : BackgroundService
{
    private const int MaxWaiting = 10_000;

    private readonly Channel<Func<CancellationToken, Task<UpstreamTokens?>>> queue =
        Channel.CreateBounded<Func<CancellationToken, Task<UpstreamTokens?>>>(
            new BoundedChannelOptions(MaxWaiting) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    public void Queue(UpstreamTokens tokens) => queue.Writer.TryWrite(_ => Task.FromResult<UpstreamTokens?>(tokens));

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        revoked.EndedHere += QueueSession;
        return base.StartAsync(cancellationToken);
    }

    /// <summary>What waits is told within the host's patience.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        revoked.EndedHere -= QueueSession;
        queue.Writer.TryComplete();
        if (ExecuteTask is { } telling)
        {
            await telling.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await base.StopAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var find in queue.Reader.ReadAllAsync(stoppingToken))
        {
            try
            {
                if (await find(stoppingToken) is { } tokens && !await issuer.TryEndAsync(tokens, stoppingToken))
                {
                    NotEnded(logger, null);
                }
            }
            catch (Exception away) when (away.IsDatabaseAway())
            {
                NotEnded(logger, away);
            }
        }
    }

    private void QueueSession(SessionId session) => queue.Writer.TryWrite(async stopping =>
        (await sessions.FindAsync(session, stopping))?.Upstream);

    [LoggerMessage(LogEvents.UpstreamNotEnded, LogLevel.Warning,
        "The upstream issuer could not be told that tokens are not to be used any more; they end by themselves.")]
    private static partial void NotEnded(ILogger logger, Exception? exception);
}
