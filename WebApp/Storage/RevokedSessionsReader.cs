using System.Threading.Channels;
using WebApp.Telemetry;

namespace WebApp.Storage;

/// <summary>
/// Fills <see cref="RevokedSessions"/> from the database: once before the site serves its first request, then twice a
/// second, and sooner when it is told to.
/// </summary>
internal sealed partial class RevokedSessionsReader(
    ISessionRows rows,
    RevokedSessions revoked,
    TimeProvider time,
    ILogger<RevokedSessionsReader> logger) : BackgroundService
{
    /// <summary>Half of the second in which every node is to know (scenario 34): the other half is for the reading itself.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// How far back each reading looks beyond the one before: a revocation carries the time at which its transaction began, and
    /// is visible from its commit on.
    /// </summary>
    private static readonly TimeSpan Overlap = TimeSpan.FromSeconds(30);

    /// <summary>From the start of one reading to that of the next, however often it is told to read.</summary>
    private static readonly TimeSpan Spacing = TimeSpan.FromMilliseconds(100);

    /// <summary>A tick that comes while the database is being read is kept, and answered by one more reading.</summary>
    private readonly Channel<bool> due = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private ITimer? ticks;
    private DateTimeOffset readUpTo;

    /// <summary>When the last reading began, on the clock of <see cref="TimeProvider.GetTimestamp"/>.</summary>
    private long readAt;

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await ReadAllAsync(cancellationToken);

        // From here on: the host may start the rest of it later, and what it is told until then must not be lost.
        ticks = Ticks();
        await base.StartAsync(cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => RunAsync(stoppingToken);

    internal async Task RunAsync(CancellationToken stopping)
    {
        await using var timer = ticks ??= Ticks();
        while (await due.Reader.WaitToReadAsync(stopping))
        {
            due.Reader.TryRead(out _);
            Volatile.Write(ref readAt, time.GetTimestamp());
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

    /// <summary>
    /// Asks for a reading that begins after this call: at once, or when the last one is <see cref="Spacing"/> ago. Being asked
    /// often changes nothing about when that is. Never waits.
    /// </summary>
    public void ReadSoon()
    {
        var since = time.GetElapsedTime(Volatile.Read(ref readAt));
        ticks?.Change(since < Spacing ? Spacing - since : TimeSpan.Zero, Interval);
    }

    private ITimer Ticks() => time.CreateTimer(_ => due.Writer.TryWrite(true), null, Interval, Interval);

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
