using WebApp.Locking;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Locking;

/// <summary>The lock among nodes: two of them, each with its own connection, want the lock in turn.</summary>
public sealed class RedisUserLockTests(SharedRedis shared) : UserLockContract
{
    private readonly List<RedisNode> nodes = [];
    private RedisServer server = null!;
    private readonly List<(Task<UserLease> Waiter, int Node)> queued = [];
    private int waits;

    private string Key => RedisNode.KeyOf(User);

    private RedisUserLock OtherNode => nodes[1].Lock;

    [Fact]
    public async Task Two_nodes_exclude_each_other()
    {
        await using var here = await TakeAsync(User);
        var there = OtherNode.AcquireAsync(User).AsTask();
        await WaitingAsync(1);
        Time.Advance(Options.LockWait);

        Assert.Equal(LeaseStatus.WaitedOut, (await there.InTime()).Status);
    }

    [Fact]
    public async Task A_key_never_stands_without_an_end()
    {
        var events = await server.WatchAsync(Key);
        await using (var lease = await TakeAsync(User))
        {
            Assert.Equal(["set", "expire"], [await events.NextAsync(), await events.NextAsync()]);
            Assert.InRange(await LeftAsync(), 1, (long)Options.LockLease.TotalMilliseconds);

            Time.Advance(Options.LockLease / 3);
            Assert.Equal("expire", await events.NextAsync());
            Assert.InRange(await LeftAsync(), 1, (long)Options.LockLease.TotalMilliseconds);
        }

        Assert.Equal("del", await events.NextAsync());
    }

    /// <summary>The owner check of the release: a holder that was frozen past its lease (scenario 15) frees nobody else's lock.</summary>
    [Fact]
    public async Task Giving_back_a_lock_that_has_passed_on_leaves_it_alone()
    {
        var frozen = await TakeAsync(User);
        await PassOnAsync();

        await frozen.DisposeAsync();

        Assert.Equal("somebody else", (string?)await server.AskAsync("GET", Key));
        await server.AskAsync("DEL", Key);
    }

    /// <summary>The owner check of the renewal.</summary>
    [Fact]
    public async Task Renewing_a_lock_that_has_passed_on_leaves_it_alone_and_says_that_it_is_lost()
    {
        await using var frozen = await TakeAsync(User);
        await PassOnAsync();

        Time.Advance(Options.LockLease / 3);
        await frozen.Lost.CancelledAsync();

        Assert.True(await LeftAsync() > Options.LockLease.TotalMilliseconds);
        Assert.Contains(nodes[0].Logs.Entries, entry => entry.Event.Id == LogEvents.LockLost);
        await server.AskAsync("DEL", Key);
    }

    [Fact]
    public async Task A_lease_that_has_ended_unnoticed_says_that_it_is_lost()
    {
        await using var frozen = await TakeAsync(User);
        await server.AskAsync("DEL", Key);

        Time.Advance(Options.LockLease / 3);

        await frozen.Lost.CancelledAsync();
        Assert.Equal(0, (int)await server.AskAsync("EXISTS", Key));
    }

    [Fact]
    public async Task Each_third_of_a_lease_makes_it_whole_again()
    {
        await using var lease = await TakeAsync(User);
        var events = await server.WatchAsync(Key);
        for (var third = 0; third < 5; third++)
        {
            await server.AskAsync("PEXPIRE", Key, 3_000);
            Assert.Equal("expire", await events.NextAsync());

            Time.Advance(Options.LockLease / 3);
            Assert.Equal("expire", await events.NextAsync());
            Assert.True(await LeftAsync() > 3_000);
        }

        Assert.False(lease.Lost.IsCancellationRequested);
    }

    /// <summary>Scenario 16, by the clock on the wall: the work lasts for more than one lease.</summary>
    [Fact]
    public async Task Work_that_outlasts_the_lease_keeps_the_lock()
    {
        var options = new WebApp.Configuration.SessionsOptions { LockLease = TimeSpan.FromSeconds(1.5), LockWait = TimeSpan.FromMilliseconds(1) };
        await using var node = await RedisNode.ConnectAsync(server, The.WallClock, options);
        await using var rival = await RedisNode.ConnectAsync(server, The.WallClock, options);
        await using var lease = await node.Lock.AcquireAsync(User);
        var events = await server.WatchAsync(Key);

        for (var third = 0; third < 4; third++)
        {
            Assert.Equal("expire", await events.NextAsync());
        }

        Assert.False(lease.Lost.IsCancellationRequested);
        await using var refused = await rival.Lock.AcquireAsync(User);
        Assert.Equal(LeaseStatus.WaitedOut, refused.Status);
    }

    /// <summary>Scenario 14: a dead holder renews nothing, releases nothing and tells nobody.</summary>
    [Fact]
    public async Task A_dead_holder_keeps_others_waiting_for_the_rest_of_its_lease_only()
    {
        await using var node = await RedisNode.ConnectAsync(server, The.WallClock);
        await server.AskAsync("SET", Key, "a dead node", "PX", 300);

        await using var lease = await node.Lock.AcquireAsync(User);

        Assert.Equal(LeaseStatus.Held, lease.Status);
    }

    /// <summary>A release whose message was lost.</summary>
    [Fact]
    public async Task A_release_that_was_not_announced_is_found_by_looking()
    {
        await using var holder = await TakeAsync(User);
        var waiter = Assert.Single(await QueueAsync(1));
        await server.AskAsync("DEL", Key);
        Assert.False(waiter.IsCompleted);

        Time.Advance(TimeSpan.FromMilliseconds(250));

        await using var lease = await waiter.InTime();
        Assert.Equal(LeaseStatus.Held, lease.Status);
    }

    /// <summary>Scenario 21, in small.</summary>
    [Fact]
    public async Task A_redis_that_has_forgotten_everything_lets_work_go_on()
    {
        await using var own = await RedisServer.StartAsync();
        await using var node = await RedisNode.ConnectAsync(own, Time);
        var lease = await node.Lock.AcquireAsync(User);
        await own.AskAsync("FLUSHALL");
        await own.AskAsync("SCRIPT", "FLUSH");

        Time.Advance(Options.LockLease / 3);
        await lease.Lost.CancelledAsync();
        await lease.DisposeAsync();

        await using var next = await node.Lock.AcquireAsync(User);
        Assert.Equal(LeaseStatus.Held, next.Status);
    }

    [Fact]
    public async Task A_free_lock_costs_one_command_to_take_and_one_to_give_back()
    {
        await using var own = await RedisServer.StartAsync();
        await using var node = await RedisNode.ConnectAsync(own, Time);
        await (await node.Lock.AcquireAsync(User)).DisposeAsync();
        await own.AskAsync("CONFIG", "RESETSTAT");

        await (await node.Lock.AcquireAsync(User)).DisposeAsync();

        var calls = await own.CallsAsync();
        Assert.Equal(1, calls["set"]);
        Assert.Equal(1, calls["evalsha"]);
    }

    private protected override async Task CloseAsync()
    {
        foreach (var node in nodes)
        {
            await node.DisposeAsync();
        }
    }

    private protected override async Task<IUserLock> CreateAsync()
    {
        server = await shared.ServerAsync();
        nodes.Add(await RedisNode.ConnectAsync(server, Time));
        nodes.Add(await RedisNode.ConnectAsync(server, Time));
        return nodes[0].Lock;
    }

    private protected override async Task<List<Task<UserLease>>> QueueAsync(int count)
    {
        queued.AddRange(Enumerable.Range(0, count).Select(index => (nodes[index % 2].Lock.AcquireAsync(User).AsTask(), index % 2)));
        await WaitingAsync(count);
        return [.. queued.TakeLast(count).Select(each => each.Waiter)];
    }

    /// <summary>A release wakes one waiter of each node: on the node that did not win, one looks in vain.</summary>
    private protected override Task OthersHaveLookedAsync(int count)
    {
        var winner = queued.Single(each => each.Waiter.IsCompleted);
        queued.Remove(winner);
        return WaitingAsync(queued.Any(each => each.Node != winner.Node) ? 1 : 0);
    }

    private protected override Task LookedAgainAsync() => WaitingAsync(1);

    private protected override async Task NothingIsLeftAsync()
    {
        foreach (var node in nodes)
        {
            await node.SettleAsync();
        }

        Assert.Equal(0, (int)await server.AskAsync("EXISTS", Key));
        Assert.Empty((StackExchange.Redis.RedisResult[])(await server.AskAsync("PUBSUB", "CHANNELS", Key + "*"))!);
    }

    /// <summary>Returns once so many more have looked in vain and gone to sleep.</summary>
    private Task WaitingAsync(int more) => Time.WaitsAsync(waits += more);

    private async Task PassOnAsync() => await server.AskAsync("SET", Key, "somebody else", "PX", 60_000);

    private async Task<long> LeftAsync() => (long)await server.AskAsync("PTTL", Key);
}
