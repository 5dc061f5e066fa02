using Microsoft.Extensions.Options;
using StackExchange.Redis;
using WebApp.Configuration;
using WebApp.Telemetry;

namespace WebApp.Locking;

/// <summary>
/// The one multiplexer of the site: the distributed cache, the locks and the bell share it. It is opened in the background at
/// start, and a Redis that is away delays nobody: commands then fail at once and the multiplexer keeps trying. Once a second it is
/// looked whether the multiplexer knows a master.
/// </summary>
internal sealed partial class RedisConnection(
    IOptions<ConnectionsOptions> options, TimeProvider time, ILogger<RedisConnection> logger) : BackgroundService, IAsyncDisposable
{
    /// <summary>The longest that one command may take, but for the heartbeat. What Redis adds to a request is bounded by this.</summary>
    public static readonly TimeSpan CommandTimeout = TimeSpan.FromSeconds(1);

    /// <summary>How often the multiplexer looks for commands that have timed out: a time-out is late by up to this.</summary>
    private static readonly TimeSpan Heartbeat = TimeSpan.FromMilliseconds(250);

    /// <summary>How long after a vain attempt to open the multiplexer, or to find the master, the next one begins, at most.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly TaskCompletionSource<IConnectionMultiplexer> opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ConnectionMultiplexer? sentinels;

    /// <summary>
    /// Completes after the first attempt, successful or not; behind Sentinel once a Sentinel has named a master that answers.
    /// </summary>
    public Task<IConnectionMultiplexer> Multiplexer => opened.Task;

    /// <summary>The connection if at this moment it stands and leads to a master, else null. Never waits.</summary>
    public IConnectionMultiplexer? Current => Connected is { } connected && KnowsMaster(connected) ? connected : null;

    /// <summary>The connection for whoever makes no use of one that does not stand: throws after <see cref="CommandTimeout"/>.</summary>
    public Task<IConnectionMultiplexer> SoonAsync() => Multiplexer.WaitAsync(CommandTimeout, time);

    private IConnectionMultiplexer? Connected =>
        Multiplexer is { IsCompletedSuccessfully: true, Result: { IsConnected: true } connected } ? connected : null;

    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        opened.TrySetCanceled();
        if (opened.Task.IsCompletedSuccessfully)
        {
            await opened.Task.Result.DisposeAsync();
        }

        if (sentinels is not null)
        {
            await sentinels.DisposeAsync();
        }

        Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var pauses = new PeriodicTimer(Pause, time);
        do
        {
            try
            {
                await OpenedAsync();
                await FollowAsync();
            }
            catch (Exception away) when (away.IsRedisAway())
            {
                NotOpened(logger, away);
            }
        }
        while (await pauses.WaitForNextTickAsync(stoppingToken));
    }

    private async Task OpenedAsync()
    {
        if (!opened.Task.IsCompleted)
        {
            opened.TrySetResult(await OpenAsync());
        }
    }

    /// <summary>
    /// A multiplexer that looks around in the middle of a failover may find two masters, and mark the one that stays as not to be
    /// used; it would not look again before something else changes (scenario 20).
    /// </summary>
    private async Task FollowAsync()
    {
        if (Connected is { } connected && !KnowsMaster(connected))
        {
            MasterUnknown(logger);
            await connected.ConfigureAsync();
        }
    }

    /// <summary>
    /// A multiplexer behind Sentinel follows the master, but is not to be had while no master is known (scenario 20). The client
    /// has one call for both steps, which would leave the connection to the Sentinels open at each attempt.
    /// </summary>
    private async Task<IConnectionMultiplexer> OpenAsync()
    {
        var settings = Settings();
        if (string.IsNullOrEmpty(settings.ServiceName))
        {
            return await ConnectionMultiplexer.ConnectAsync(settings);
        }

        sentinels ??= await ConnectionMultiplexer.SentinelConnectAsync(Settings());
        return sentinels.GetSentinelMasterConnection(settings);
    }

    /// <summary>What the client has found out so far. Nothing is sent.</summary>
    private static bool KnowsMaster(IConnectionMultiplexer connected) =>
        connected.GetDatabase().IsConnected(default, CommandFlags.DemandMaster);

    /// <summary>Read anew each time, because a search writes what it finds into its settings.</summary>
    private ConfigurationOptions Settings()
    {
        var settings = ConfigurationOptions.Parse(options.Value.Redis);
        var timeout = (int)CommandTimeout.TotalMilliseconds;
        settings.AbortOnConnectFail = false;
        settings.BacklogPolicy = BacklogPolicy.FailFast;
        settings.AsyncTimeout = Math.Min(settings.AsyncTimeout, timeout);
        settings.ConnectTimeout = Math.Min(settings.ConnectTimeout, timeout);
        settings.HeartbeatInterval = Heartbeat;
        return settings;
    }

    [LoggerMessage(LogEvents.RedisNotOpened, LogLevel.Warning, "No master of Redis could be found; it is looked for again.")]
    private static partial void NotOpened(ILogger logger, Exception exception);

    [LoggerMessage(LogEvents.RedisMasterUnknown, LogLevel.Warning, "None of the Redis servers is known as the master; they are asked anew.")]
    private static partial void MasterUnknown(ILogger logger);
}
