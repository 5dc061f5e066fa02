using WebApp.Configuration;
using WebApp.Locking;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Locking;

/// <summary>
/// Scenarios 20 and 22, for the lock alone: whatever Redis does, the answer comes soon, and as an answer. They run by
/// themselves, because they measure how soon.
/// </summary>
[Collection(nameof(Alone))]
public sealed class RedisOutageTests : IAsyncLifetime
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1.5);

    private readonly WatchedTime time = new();
    private readonly UserId user = Some.User();
    private RedisServer server = null!;
    private RedisNode node = null!;

    private RedisUserLock TheLock => node.Lock;

    private string Key => RedisNode.KeyOf(user);

    public async ValueTask InitializeAsync()
    {
        server = await RedisServer.StartAsync();
        node = await RedisNode.ConnectAsync(server, time);
    }

    public async ValueTask DisposeAsync()
    {
        await node.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task A_redis_that_is_away_at_the_start_delays_nobody_and_is_used_once_it_comes()
    {
        await server.KillAsync();
        await using var early = await RedisNode.StartAsync(server.Configuration, time);
        Assert.Equal(LeaseStatus.Unavailable, await SoonAsync(early.Lock.AcquireAsync(user)));

        var restored = await early.RestoredAsync();
        Assert.Equal(LeaseStatus.Unavailable, await SoonAsync(early.Lock.AcquireAsync(user)));
        await server.RestartAsync();
        await restored();

        Assert.Equal(LeaseStatus.Held, await SoonAsync(early.Lock.AcquireAsync(user)));
    }

    [Fact]
    public async Task Killed_before_the_lock_is_wanted()
    {
        await server.KillAsync();

        Assert.Equal(LeaseStatus.Unavailable, await SoonAsync(TheLock.AcquireAsync(user)));
    }

    [Fact]
    public async Task Killed_while_somebody_waits()
    {
        await server.AskAsync("SET", Key, "somebody else", "PX", 60_000);
        var waiter = TheLock.AcquireAsync(user);
        await time.WaitsAsync(1);
        await server.KillAsync();

        time.Advance(TimeSpan.FromMilliseconds(250));

        Assert.Equal(LeaseStatus.Unavailable, await SoonAsync(waiter));
        Assert.Contains(node.Logs.Entries, entry => entry.Event.Id == LogEvents.LockServiceAway);
    }

    [Fact]
    public async Task Killed_while_the_lock_is_held()
    {
        var lease = await TheLock.AcquireAsync(user);
        await server.KillAsync();
        var started = The.WallClock.GetTimestamp();

        await lease.DisposeAsync();

        Assert.InRange(The.WallClock.GetElapsedTime(started), TimeSpan.Zero, Soon);
        Assert.Contains(node.Logs.Entries, entry => entry.Event.Id == LogEvents.LockReleaseFailed);
    }

    [Fact]
    public async Task A_lock_that_cannot_be_renewed_is_lost_before_its_lease_has_ended()
    {
        var lease = await TheLock.AcquireAsync(user);
        await server.KillAsync();

        var third = new SessionsOptions().LockLease / 3;
        time.Advance(third);
        time.Advance(third);

        await lease.Lost.CancelledAsync();
        await lease.DisposeAsync();
    }

    [Fact]
    public async Task Restarted_it_locks_again_and_wakes_waiters()
    {
        var restored = await node.RestoredAsync();
        await server.RestartAsync();
        await restored();

        var holder = await TheLock.AcquireAsync(user);
        Assert.Equal(LeaseStatus.Held, holder.Status);
        var waiter = TheLock.AcquireAsync(user);
        await time.WaitsAsync(1);
        await holder.DisposeAsync();
        Assert.Equal(LeaseStatus.Held, await SoonAsync(waiter));
    }

    /// <summary>
    /// The request that was given up is carried out when Redis comes to itself; nobody must be left waiting for its lease.
    /// </summary>
    [Fact]
    public async Task A_redis_that_does_not_answer_is_given_up_soon_and_nothing_is_left_in_it()
    {
        await server.PauseAsync();
        Assert.Equal(LeaseStatus.Unavailable, await SoonAsync(TheLock.AcquireAsync(user)));

        await server.ResumeAsync();
        await node.SettleAsync();

        Assert.Equal(0, (int)await server.AskAsync("EXISTS", Key));
    }

    /// <summary>Scenario 22, and protocol, "The coordinator": a circuit breaker spares later requests even the time-out.</summary>
    [Fact]
    public async Task After_two_time_outs_redis_is_left_alone_for_a_while_and_then_used_again()
    {
        await server.PauseAsync();
        await TimeOutTwiceAsync();
        Assert.True(node.Circuit.IsOpen);
        await server.ResumeAsync();
        await node.SettleAsync();
        var before = await server.WorkAsync();
        var told = node.Logs.Entries.Count;

        for (var spared = 0; spared < 100; spared++)
        {
            Assert.Equal(LeaseStatus.Unavailable, await AtOnceAsync(TheLock.AcquireAsync(Some.User())));
        }

        Assert.Equal(before, await server.WorkAsync());
        Assert.Equal(told, node.Logs.Entries.Count);

        time.Advance(RedisCircuit.Break);
        Assert.Equal(LeaseStatus.Held, await SoonAsync(TheLock.AcquireAsync(user)));
        Assert.False(node.Circuit.IsOpen);
        Assert.Equal((1, 1), (Told(LogEvents.RedisCircuitOpened), Told(LogEvents.RedisCircuitClosed)));
    }

    [Fact]
    public async Task A_redis_that_is_still_silent_costs_one_refresh_its_time_out_and_the_others_nothing()
    {
        await server.PauseAsync();
        await TimeOutTwiceAsync();
        time.Advance(RedisCircuit.Break);

        var trial = TheLock.AcquireAsync(user);
        for (var spared = 0; spared < 100; spared++)
        {
            Assert.Equal(LeaseStatus.Unavailable, await AtOnceAsync(TheLock.AcquireAsync(Some.User())));
        }

        Assert.Equal(LeaseStatus.Unavailable, await SoonAsync(trial));
        Assert.True(node.Circuit.IsOpen);
        Assert.Equal(LeaseStatus.Unavailable, await AtOnceAsync(TheLock.AcquireAsync(user)));
        Assert.Equal((1, 0), (Told(LogEvents.RedisCircuitOpened), Told(LogEvents.RedisCircuitClosed)));
    }

    /// <summary>A Redis that is full, say: it answers, with errors.</summary>
    [Fact]
    public async Task A_redis_that_refuses_to_write_is_left_alone_too()
    {
        await server.AskAsync("CONFIG", "SET", "maxmemory", "1");
        for (var refused = 0; refused < 10; refused++)
        {
            Assert.Equal(LeaseStatus.Unavailable, await SoonAsync(TheLock.AcquireAsync(user)));
        }

        Assert.Equal(2, Told(LogEvents.LockServiceAway));
        await server.AskAsync("CONFIG", "SET", "maxmemory", "0");
        time.Advance(RedisCircuit.Break);
        Assert.Equal(LeaseStatus.Held, await SoonAsync(TheLock.AcquireAsync(user)));
    }

    [Fact]
    public async Task A_lock_that_is_held_when_the_circuit_opens_is_given_back_without_waiting()
    {
        var holder = await TheLock.AcquireAsync(Some.User());
        await server.PauseAsync();
        await TimeOutTwiceAsync();
        var started = The.WallClock.GetTimestamp();

        await holder.DisposeAsync();

        Assert.InRange(The.WallClock.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromMilliseconds(100));
        await server.ResumeAsync();
        await node.SettleAsync();
        Assert.Equal(0, (int)await server.AskAsync("DBSIZE"));
    }

    /// <summary>Or a client that lives for weeks would subscribe for ever more people, at every new connection.</summary>
    [Fact]
    public async Task A_subscription_that_was_given_up_is_not_made_up_for()
    {
        // On a connection that stays open: closing it would wait for the end of the pause.
        await (await server.ConnectAsync()).GetDatabase().ExecuteAsync("CLIENT", "PAUSE", "60000", "ALL");
        await Assert.ThrowsAsync<StackExchange.Redis.RedisTimeoutException>(() => node.Locks.Open(user)!.SubscribeAsync());

        var restored = await node.RestoredAsync();
        await server.RestartAsync();
        await restored();
        await node.SettleAsync();

        Assert.Empty((StackExchange.Redis.RedisResult[])(await server.AskAsync("PUBSUB", "CHANNELS", "webapp:*"))!);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Giving_back_in_the_background_never_throws(bool closed)
    {
        var slot = node.Locks.Open(user)!;
        await server.KillAsync();
        if (closed)
        {
            await node.DisposeAsync();
        }

        slot.ReleaseInBackground();
    }

    /// <summary>Scenario 19: a site that shuts down closes the connection under whoever is still at work.</summary>
    [Fact]
    public async Task A_connection_that_closes_is_a_redis_that_is_away()
    {
        var holder = await TheLock.AcquireAsync(user);
        var waiter = TheLock.AcquireAsync(user);
        await time.WaitsAsync(1);

        await node.Connection.DisposeAsync();
        time.Advance(TimeSpan.FromMilliseconds(250));

        Assert.Equal(LeaseStatus.Unavailable, await SoonAsync(waiter));
        Assert.Equal(LeaseStatus.Unavailable, await SoonAsync(TheLock.AcquireAsync(user)));
        await holder.DisposeAsync();
    }

    /// <summary>Commands that were given up are carried out later: to be asked again only after those.</summary>
    private async Task TimeOutTwiceAsync()
    {
        for (var kept = 0; kept < 2; kept++)
        {
            Assert.Equal(LeaseStatus.Unavailable, await SoonAsync(TheLock.AcquireAsync(user)));
        }
    }

    private int Told(int id) => node.Logs.Entries.Count(entry => entry.Event.Id == id);

    private static Task<LeaseStatus> SoonAsync(ValueTask<UserLease> acquiring) => WithinAsync(Soon, acquiring);

    /// <summary>The measure that operators are promised is 100 ms for all that a refresh does.</summary>
    private static Task<LeaseStatus> AtOnceAsync(ValueTask<UserLease> acquiring) =>
        WithinAsync(TimeSpan.FromMilliseconds(100), acquiring);

    private static async Task<LeaseStatus> WithinAsync(TimeSpan most, ValueTask<UserLease> acquiring)
    {
        var started = The.WallClock.GetTimestamp();
        await using var lease = await acquiring.AsTask().InTime();
        Assert.InRange(The.WallClock.GetElapsedTime(started), TimeSpan.Zero, most);
        return lease.Status;
    }
}
