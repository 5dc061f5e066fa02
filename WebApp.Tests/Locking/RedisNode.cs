using Microsoft.Extensions.Logging;
using StackExchange.Redis;
using WebApp.Configuration;
using WebApp.Locking;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;

namespace WebApp.Tests.Locking;

/// <summary>One node's way to Redis: a connection and a lock of its own.</summary>
internal sealed class RedisNode : IAsyncDisposable
{
    private readonly LoggerFactory loggers = new();

    private RedisNode(string redis, TimeProvider time, SessionsOptions options)
    {
        loggers.AddProvider(Logs);
        var sessions = Microsoft.Extensions.Options.Options.Create(options);
        Connection = new RedisConnection(
            Microsoft.Extensions.Options.Options.Create(new ConnectionsOptions { Redis = redis }),
            time,
            loggers.CreateLogger<RedisConnection>());
        Circuit = new RedisCircuit(time, loggers.CreateLogger<RedisCircuit>());
        Bell = new RedisBell(Connection);
        Locks = new RedisLocks(Connection, Circuit, sessions);
        Lock = new RedisUserLock(Locks, sessions, time, Random.Shared, loggers.CreateLogger<RedisUserLock>());
    }

    public RedisConnection Connection { get; }

    public RedisCircuit Circuit { get; }

    public RedisBell Bell { get; }

    public RedisLocks Locks { get; }

    public RedisUserLock Lock { get; }

    public LogProbe Logs { get; } = new();

    public static string KeyOf(UserId user) => $"webapp:lock:{{{user}}}";

    public static async Task<RedisNode> ConnectAsync(RedisServer server, TimeProvider time, SessionsOptions? options = null)
    {
        var node = await StartAsync(server.Configuration, time, options);
        await node.SubscriberAsync();
        return node;
    }

    /// <summary>A node that has just started, whose connection may not stand yet.</summary>
    public static async Task<RedisNode> StartAsync(string redis, TimeProvider time, SessionsOptions? options = null)
    {
        var node = new RedisNode(redis, time, options ?? new SessionsOptions());
        await node.Connection.StartAsync(CancellationToken.None);
        return node;
    }

    /// <summary>Completes once both ways to Redis, for commands and for messages, stand again after an outage.</summary>
    public async Task<Func<Task>> RestoredAsync()
    {
        var restored = new Gate();
        (await Connection.Multiplexer).ConnectionRestored += (_, _) => _ = restored.PassAsync();
        return () => restored.ArrivedAsync(2);
    }

    /// <summary>Completes once all that this node has sent so far was carried out.</summary>
    public async Task SettleAsync()
    {
        await (await SubscriberAsync()).PingAsync();
        await (await Connection.Multiplexer).GetDatabase().PingAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Connection.DisposeAsync();
        loggers.Dispose();
    }

    /// <summary>
    /// Once the way for messages stands. The client is content with that for commands, and gives up at once what it is asked meanwhile.
    /// </summary>
    private async Task<ISubscriber> SubscriberAsync()
    {
        var subscriber = (await Connection.Multiplexer.InTime()).GetSubscriber();
        await Waiting.UntilAsync(() => Task.FromResult(subscriber.IsConnected()));
        return subscriber;
    }
}
