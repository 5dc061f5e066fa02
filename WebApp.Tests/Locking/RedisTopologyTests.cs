using StackExchange.Redis;
using WebApp.Locking;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Locking;

/// <summary>Scenarios 20 and 21 behind Sentinel and on a Cluster, each with real servers and the connection string alone.</summary>
public sealed class RedisTopologyTests : IAsyncDisposable
{
    private const string Service = "webapp";

    private readonly List<IAsyncDisposable> open = [];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Behind_Sentinel_locks_come_back_after_a_failover_without_a_restart(bool killed)
    {
        var (sentinel, master, replica) = await StartSentinelAsync();
        var here = Keep(await RedisNode.StartAsync(Behind(sentinel), The.WallClock));
        var there = Keep(await RedisNode.StartAsync(Behind(sentinel), The.WallClock));
        await Task.WhenAll(here.Connection.Multiplexer, there.Connection.Multiplexer).InTime();
        Assert.True(await ExcludeAsync(here, there, Some.User()));

        // A master that was only replaced takes locks until it is told.
        var switched = sentinel.SaysAsync("+switch-master");
        var demoted = killed ? Task.CompletedTask : master.SaysAsync("REPLICAOF");
        await (killed ? master.KillAsync() : FailOverAsync(sentinel));
        await Task.WhenAll(switched, demoted);

        // Whoever asks meanwhile has an answer, and soon one of the new master's. The client may come and go until it has settled.
        await Waiting.UntilAsync(() => ExcludeAsync(here, there, Some.User()));
        Assert.True((await replica.WorkAsync()).ContainsKey("set"));
    }

    /// <summary>Scenario 20: to the client itself a Sentinel that is away at the start is a fault for good.</summary>
    [Fact]
    public async Task A_Sentinel_that_is_away_at_the_start_delays_nobody_and_is_used_once_it_comes()
    {
        var (sentinel, _, _) = await StartSentinelAsync();
        await sentinel.KillAsync();
        var early = Keep(await RedisNode.StartAsync(Behind(sentinel), The.WallClock));
        Assert.Equal(LeaseStatus.Unavailable, (await early.Lock.AcquireAsync(Some.User())).Status);
        await early.Logs.HeardAsync(LogEvents.RedisNotOpened);

        await sentinel.RestartAsync();
        await early.Connection.Multiplexer.InTime();

        await Waiting.UntilAsync(async () =>
        {
            await using var lease = await early.Lock.AcquireAsync(Some.User()).AsTask().InTime();
            return lease.Status == LeaseStatus.Held;
        });
    }

    [Fact]
    public async Task On_a_Cluster_nodes_exclude_and_wake_each_other_in_every_slot()
    {
        var cluster = Keep(await RedisCluster.StartAsync());
        var time = new WatchedTime();
        var here = Keep(await RedisNode.StartAsync(cluster.Configuration, time));
        var there = Keep(await RedisNode.StartAsync(cluster.Servers[2].Configuration, time));
        await Task.WhenAll(here.Connection.Multiplexer, there.Connection.Multiplexer).InTime();

        // The clock stands still, so nothing but a message can wake them.
        for (var user = 1; user <= 20; user++)
        {
            Assert.True(await ExcludeAsync(here, there, Some.User(), () => time.WaitsAsync(user)));
        }

        foreach (var server in cluster.Servers)
        {
            Assert.True((await server.WorkAsync()).ContainsKey("set"), "No lock was kept on one of the nodes.");
        }
    }

    [Fact]
    public async Task The_bell_rings_through_a_Cluster()
    {
        var cluster = Keep(await RedisCluster.StartAsync());
        var here = Keep(await RedisNode.StartAsync(cluster.Configuration, The.WallClock));
        var there = Keep(await RedisNode.StartAsync(cluster.Servers[1].Configuration, The.WallClock));
        var heard = new Gate();
        await there.Bell.HearAsync(() => _ = heard.PassAsync(), CancellationToken.None);
        await here.Connection.Multiplexer.InTime();

        // Nobody may rely on it: it is deaf until its way for messages stands.
        await Waiting.UntilAsync(() =>
        {
            here.Bell.Ring();
            return Task.FromResult(heard.Arrived.IsCompleted);
        });
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var each in Enumerable.Reverse(open))
        {
            await each.DisposeAsync();
        }
    }

    private static string Behind(RedisServer sentinel) => $"{sentinel.Configuration},serviceName={Service}";

    /// <summary>False if one of them was told that there is no lock at this moment; both at once never have it.</summary>
    private static async Task<bool> ExcludeAsync(RedisNode here, RedisNode there, UserId user, Func<Task>? waiting = null)
    {
        await using var holder = await here.Lock.AcquireAsync(user).AsTask().InTime();
        if (holder.Status != LeaseStatus.Held)
        {
            return false;
        }

        var waiter = there.Lock.AcquireAsync(user).AsTask();
        await (waiting?.Invoke() ?? Task.CompletedTask);
        if (waiter.IsCompleted)
        {
            Assert.Equal(LeaseStatus.Unavailable, (await waiter).Status);
            return false;
        }

        await holder.DisposeAsync();
        await using var next = await waiter.InTime();
        return next.Status == LeaseStatus.Held;
    }

    /// <summary>A Sentinel promotes a replica that it has heard of, and has heard from.</summary>
    private static async Task FailOverAsync(RedisServer sentinel)
    {
        await using var connection = await ConnectionMultiplexer.SentinelConnectAsync($"{sentinel.Configuration},allowAdmin=true");
        using var patience = The.Patience();
        using var attempts = new PeriodicTimer(TimeSpan.FromMilliseconds(50), The.WallClock);
        while (true)
        {
            try
            {
                await connection.GetServer("127.0.0.1", sentinel.Port).SentinelFailoverAsync(Service);
                return;
            }
            catch (RedisServerException early) when (early.Message.StartsWith("NOGOODSLAVE", StringComparison.Ordinal))
            {
                await attempts.WaitForNextTickAsync(patience.Token);
            }
        }
    }

    /// <summary>A Sentinel looks for replicas at once and then every ten seconds: it is started last.</summary>
    private async Task<(RedisServer Sentinel, RedisServer Master, RedisServer Replica)> StartSentinelAsync()
    {
        var master = Keep(await RedisServer.StartAsync("--repl-diskless-sync-delay", "0"));
        var replica = Keep(await RedisServer.StartAsync());
        var synchronised = replica.SaysAsync("Finished with success");
        await replica.AskAsync("REPLICAOF", "127.0.0.1", master.Port);
        await synchronised;
        return (Keep(await RedisServer.StartSentinelAsync(Service, master)), master, replica);
    }

    private T Keep<T>(T each)
        where T : IAsyncDisposable
    {
        open.Add(each);
        return each;
    }
}
