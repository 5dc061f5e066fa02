using System.Collections.Concurrent;
using System.Threading.Channels;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tokens;

namespace WebApp.Coordination;

/// <summary>
/// Keeps each pair that the upstream issuer has handed out until it is known to be in the database, and goes on storing it while
/// the database is away. A pair that turns out to be one too many is ended upstream.
/// </summary>
internal sealed partial class UpstreamStash(
    IUpstreamRows rows,
    ISessionRows sessions,
    UpstreamTokenProtector protector,
    UpstreamEnds ends,
    TimeProvider time,
    ILogger<UpstreamStash> logger) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<SessionId, Kept> kept = new();
    private readonly Channel<bool> bell = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    /// <summary>Keeps a pair that was spent for, from the moment it arrives.</summary>
    public void Keep(SessionId session, int replaces, UpstreamTokens tokens) => kept[session] = new Kept(replaces, tokens);

    /// <summary>The pair that takes the place of this version, if this node has it and could not store it yet.</summary>
    public UpstreamTokens? Find(SessionId session, int replaces) =>
        kept.TryGetValue(session, out var pair) && pair.Replaces == replaces ? pair.Tokens : null;

    /// <summary>
    /// Whoever kept a pair has tried to store it and says how that went. What was not stored, or not for certain, is settled from
    /// the row, behind the request's back.
    /// </summary>
    public void Settle(SessionId session, bool stored)
    {
        if (stored)
        {
            kept.TryRemove(session, out _);
        }
        else
        {
            bell.Writer.TryWrite(true);
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await SettleAllAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (await bell.Reader.WaitToReadAsync(stoppingToken))
        {
            bell.Reader.TryRead(out _);
            if (!await SettleAllAsync(stoppingToken))
            {
                await Task.Delay(Pause, time, stoppingToken);
                bell.Writer.TryWrite(true);
            }
        }
    }

    /// <summary>False while the database is away.</summary>
    private async Task<bool> SettleAllAsync(CancellationToken stopping)
    {
        var settled = true;
        foreach (var (session, pair) in kept)
        {
            try
            {
                await SettleAsync(session, pair, stopping);
                kept.TryRemove(KeyValuePair.Create(session, pair));
            }
            catch (Exception away) when (away.IsDatabaseAway()
                || (away is OperationCanceledException && stopping.IsCancellationRequested))
            {
                NotStored(logger, away, session);
                settled = false;
            }
        }

        return settled;
    }

    private async Task SettleAsync(SessionId session, Kept pair, CancellationToken stopping)
    {
        if (await rows.TryStoreAsync(session, new UpstreamRenewal(protector.Protect(pair.Tokens), pair.Replaces), stopping))
        {
            return;
        }

        // Either an attempt whose answer was lost has stored it, or somebody else's pair is there, or the session is over.
        var state = await sessions.FindAsync(session, stopping);
        if (state?.Row.RevokedAt is not null || state?.Upstream?.Refresh != pair.Tokens.Refresh)
        {
            ends.Queue(pair.Tokens);
        }
    }

    [LoggerMessage(LogEvents.UpstreamNotStored, LogLevel.Warning,
        "A new upstream pair of session {Session} could not be stored yet; it is kept and tried again.")]
    private static partial void NotStored(ILogger logger, Exception exception, SessionId session);

    private sealed record Kept(int Replaces, UpstreamTokens Tokens);
}
