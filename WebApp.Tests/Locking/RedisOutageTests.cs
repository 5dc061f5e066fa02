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

    /// <summary>Protocol, "The coordinator": a circuit breaker spares later requests even the time-out.</summary>
    [Fact]
    public async Task After_a_time_out_redis_is_left_alone_for_a_while()
    {
        await server.PauseAsync();
        Assert.Equal(LeaseStatus.Unavailable, await SoonAsync(TheLock.AcquireAsync(user)));

        var spared = TheLock.AcquireAsync(Some.User());
        Assert.True(spared.IsCompletedSuccessfully);
        Assert.Equal(LeaseStatus.Unavailable, (await spared).Status);

        await server.ResumeAsync();
        time.Advance(RedisUserLock.Rest);
        Assert.Equal(LeaseStatus.Held, await SoonAsync(TheLock.AcquireAsync(user)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Giving_back_in_the_background_never_throws(bool closed)
    {
        var slot = new RedisLockSlot(await node.Connection.Multiplexer, Key, "owner", TimeSpan.FromSeconds(10));
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

    private static async Task<LeaseStatus> SoonAsync(ValueTask<UserLease> acquiring)
    {
        var started = The.WallClock.GetTimestamp();
        await using var lease = await acquiring.AsTask().InTime();
        Assert.InRange(The.WallClock.GetElapsedTime(started), TimeSpan.Zero, Soon);
        return lease.Status;
    }
}
