using Microsoft.Extensions.Options;
using StackExchange.Redis;
using WebApp.Configuration;
using WebApp.Telemetry;

namespace WebApp.Locking;

/// <summary>
/// The one multiplexer of the site: the distributed cache, the locks and the bell share it. It is opened in the background at
/// start, and a Redis that is away delays nobody: commands then fail at once and the multiplexer keeps trying.
/// </summary>
internal sealed partial class RedisConnection(
    IOptions<ConnectionsOptions> options, TimeProvider time, ILogger<RedisConnection> logger) : BackgroundService, IAsyncDisposable
{
    /// <summary>The longest that one command may take, but for the heartbeat. What Redis adds to a request is bounded by this.</summary>
    public static readonly TimeSpan CommandTimeout = TimeSpan.FromSeconds(1);

    /// <summary>How often the multiplexer looks for commands that have timed out: a time-out is late by up to this.</summary>
    private static readonly TimeSpan Heartbeat = TimeSpan.FromMilliseconds(250);

    /// <summary>How long after a vain attempt to open the multiplexer the next one begins, at most.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly TaskCompletionSource<IConnectionMultiplexer> opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ConnectionMultiplexer? sentinels;

    /// <summary>
    /// Completes after the first attempt, successful or not; behind Sentinel once a Sentinel has named a master that answers.
    /// </summary>
    public Task<IConnectionMultiplexer> Multiplexer => opened.Task;

    /// <summary>The connection if it stands at this moment, else null. Never waits.</summary>
    public IConnectionMultiplexer? Current =>
        Multiplexer is { IsCompletedSuccessfully: true, Result: { IsConnected: true } connected } ? connected : null;

    /// <summary>The connection for whoever makes no use of one that does not stand: throws after <see cref="CommandTimeout"/>.</summary>
    public Task<IConnectionMultiplexer> SoonAsync() => Multiplexer.WaitAsync(CommandTimeout, time);

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
        while (!opened.Task.IsCompleted)
        {
            try
            {
                opened.TrySetResult(await OpenAsync());
            }
            catch (Exception away) when (away.IsRedisAway())
            {
                NotOpened(logger, away);
                await pauses.WaitForNextTickAsync(stoppingToken);
            }
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

    [LoggerMessage(LogEvents.RedisNotOpened, LogLevel.Warning, "No Sentinel names a Redis that can be reached; it is tried again.")]
    private static partial void NotOpened(ILogger logger, Exception exception);
}
