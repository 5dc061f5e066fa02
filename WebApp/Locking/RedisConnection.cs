using Microsoft.Extensions.Options;
using StackExchange.Redis;
using WebApp.Configuration;

namespace WebApp.Locking;

/// <summary>
/// The one multiplexer of the site: the distributed cache and the locks share it. It is opened in the background at start, and
/// a Redis that is away delays nobody: commands then fail at once and the multiplexer keeps trying.
/// </summary>
internal sealed class RedisConnection(IOptions<ConnectionsOptions> options) : IHostedService, IAsyncDisposable
{
    /// <summary>
    /// The longest that one command may take, but for <see cref="Heartbeat"/>. What Redis adds to a request is bounded by this.
    /// </summary>
    private const int CommandTimeoutMilliseconds = 1000;

    /// <summary>How often the multiplexer looks for commands that have timed out: a time-out is late by up to this.</summary>
    private static readonly TimeSpan Heartbeat = TimeSpan.FromMilliseconds(250);

    private readonly Lazy<Task<IConnectionMultiplexer>> multiplexer = new(() => ConnectAsync(options.Value.Redis));

    /// <summary>Completes after the first attempt, successful or not.</summary>
    public Task<IConnectionMultiplexer> Multiplexer => multiplexer.Value;

    /// <summary>The connection if it stands at this moment, else null. Never waits.</summary>
    public IConnectionMultiplexer? Current =>
        Multiplexer is { IsCompletedSuccessfully: true, Result: { IsConnected: true } connected } ? connected : null;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _ = Multiplexer;
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (multiplexer.IsValueCreated)
        {
            await (await Multiplexer).DisposeAsync();
        }
    }

    private static async Task<IConnectionMultiplexer> ConnectAsync(string configuration)
    {
        var settings = ConfigurationOptions.Parse(configuration);
        settings.AbortOnConnectFail = false;
        settings.BacklogPolicy = BacklogPolicy.FailFast;
        settings.AsyncTimeout = Math.Min(settings.AsyncTimeout, CommandTimeoutMilliseconds);
        settings.ConnectTimeout = Math.Min(settings.ConnectTimeout, CommandTimeoutMilliseconds);
        settings.HeartbeatInterval = Heartbeat;
        return await ConnectionMultiplexer.ConnectAsync(settings);
    }
}
