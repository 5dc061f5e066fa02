using Microsoft.Extensions.Logging;
using Polly.CircuitBreaker;
using StackExchange.Redis;
using WebApp.Locking;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Locking;

/// <summary>Scenarios 16, 17 and 20 to 22 in small: the lock among nodes, on a Redis that fails at the moment that a test names.</summary>
public sealed class RedisUserLockFaultTests : IDisposable
{
    private readonly WatchedTime time = new();
    private readonly LogProbe logs = new();
    private readonly StubSlot slot = new();

    private TimeSpan Third => slot.Lease / 3;

    public void Dispose() => logs.Dispose();

    [Fact]
    public async Task Without_a_connection_there_is_no_lock_and_nothing_to_tell()
    {
        slot.IsThere = false;

        await using var lease = await AcquireAsync();

        Assert.Equal(LeaseStatus.Unavailable, lease.Status);
        Assert.Empty(logs.Entries);
    }

    [Fact]
    public async Task What_timed_out_may_be_carried_out_later_and_is_given_back()
    {
        slot.Takes.Enqueue(TimeOut);

        await using var lease = await AcquireAsync();

        Assert.Equal((LeaseStatus.Unavailable, 1), (lease.Status, slot.ReleasedInBackground));
        Assert.Equal([LogEvents.LockServiceAway], Told());
    }

    [Fact]
    public async Task What_was_never_sent_is_neither_given_back_nor_told()
    {
        slot.Takes.Enqueue(() => throw new BrokenCircuitException());

        await using var lease = await AcquireAsync();

        Assert.Equal((LeaseStatus.Unavailable, 0), (lease.Status, slot.ReleasedInBackground));
        Assert.Empty(logs.Entries);
    }

    [Fact]
    public async Task A_defect_of_ours_is_told_to_who_asked()
    {
        slot.Takes.Enqueue(() => throw new InvalidTimeZoneException("a defect"));

        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => AcquireAsync());
    }

    /// <summary>So that the waiters of many nodes do not look at one moment.</summary>
    [Theory]
    [InlineData(0, 125)]
    [InlineData(0.5, 187.5)]
    [InlineData(1, 250)]
    public async Task A_waiter_looks_again_after_half_a_poll_to_a_whole_one(double chance, double milliseconds)
    {
        slot.Takes.Enqueue(() => false);
        slot.Takes.Enqueue(() => false);

        await using var lease = await AcquireAsync(chance);

        Assert.Equal(LeaseStatus.Held, lease.Status);
        Assert.Equal([TimeSpan.FromMilliseconds(milliseconds)], slot.Pauses);
    }

    [Fact]
    public async Task A_waiter_looks_once_more_when_its_patience_ends_and_not_after_that()
    {
        for (var look = 0; look < 10; look++)
        {
            slot.Takes.Enqueue(() => false);
        }

        await using var lease = await AcquireAsync(chance: 1, patience: TimeSpan.FromMilliseconds(300));

        Assert.Equal(LeaseStatus.WaitedOut, lease.Status);
        Assert.Equal([TimeSpan.FromMilliseconds(250), TimeSpan.FromMilliseconds(50)], slot.Pauses);
        Assert.Equal(6, slot.Takes.Count);
    }

    [Fact]
    public async Task A_renewal_that_failed_is_made_up_for_by_the_next()
    {
        Renewals(TimeOut, () => true, TimeOut, () => true);
        await using var lease = await AcquireAsync();

        for (var third = 1; third <= 5; third++)
        {
            time.Advance(Third);
            await slot.RenewedAsync(third);
        }

        Assert.False(lease.Lost.IsCancellationRequested);
        Assert.Empty(logs.Entries);
    }

    [Fact]
    public async Task A_lock_that_could_not_be_renewed_twice_is_lost_and_left_alone()
    {
        Renewals(TimeOut, TimeOut);
        await using var lease = await AcquireAsync();
        time.Advance(Third);
        await slot.RenewedAsync(1);
        Assert.False(lease.Lost.IsCancellationRequested);

        time.Advance(Third);
        await lease.Lost.CancelledAsync();

        Assert.Equal([LogEvents.LockRenewalFailed, LogEvents.LockLost], Told());
        time.Advance(slot.Lease);
        await lease.DisposeAsync();
        Assert.Equal((2, 1), (slot.Renewed, slot.Released));
    }

    /// <summary>Half a lease is left, and the next renewal comes in time.</summary>
    [Fact]
    public async Task A_renewal_that_fails_when_half_of_the_lease_is_over_is_not_the_last()
    {
        Renewals(() => TimeOutAfter(slot.Lease / 6));
        await using var lease = await AcquireAsync();

        time.Advance(Third);
        await slot.RenewedAsync(1);
        time.Advance(Third);
        await slot.RenewedAsync(2);

        Assert.False(lease.Lost.IsCancellationRequested);
    }

    [Fact]
    public async Task A_lock_that_has_passed_on_is_lost_at_once()
    {
        Renewals(() => false);
        await using var lease = await AcquireAsync();

        time.Advance(Third);
        await lease.Lost.CancelledAsync();

        Assert.Equal([LogEvents.LockLost], Told());
    }

    [Fact]
    public async Task A_lock_that_was_given_back_is_renewed_no_more_and_is_not_lost()
    {
        var lease = await AcquireAsync();
        await lease.DisposeAsync();
        await lease.DisposeAsync();

        time.Advance(slot.Lease);

        Assert.Equal((0, 1), (slot.Renewed, slot.Released));
        Assert.False(lease.Lost.IsCancellationRequested);
        Assert.Empty(logs.Entries);
    }

    /// <summary>Or the renewal, which comes to a Redis that does not know the owner any more, would tell of a loss.</summary>
    [Fact]
    public async Task A_lock_is_given_back_after_the_renewal_that_is_under_way()
    {
        slot.Renewing = new Gate();
        var lease = await AcquireAsync();
        time.Advance(Third);
        await slot.Renewing.Arrived;

        var givingBack = lease.DisposeAsync().AsTask();
        Assert.Equal((false, 0), (givingBack.IsCompleted, slot.Released));
        slot.Renewing.Open();
        await givingBack.InTime();

        Assert.Equal(1, slot.Released);
        Assert.Empty(logs.Entries);
    }

    [Fact]
    public async Task A_lock_that_cannot_be_given_back_is_told_and_nothing_else_fails()
    {
        slot.Release = TimeOut;
        var lease = await AcquireAsync();

        await lease.DisposeAsync();

        Assert.Equal([LogEvents.LockReleaseFailed], Told());
    }

    private async Task<UserLease> AcquireAsync(double chance = 0, TimeSpan? patience = null)
    {
        using var loggers = new LoggerFactory([logs]);
        var options = Some.Options(options => options.LockWait = patience ?? options.LockWait);
        var theLock = new RedisUserLock(slot, options, time, new Chance(chance), loggers.CreateLogger<RedisUserLock>());
        return await theLock.AcquireAsync(Some.User()).AsTask().InTime();
    }

    private void Renewals(params Func<bool>[] renewals) => Array.ForEach(renewals, slot.Renewals.Enqueue);

    private IEnumerable<int> Told() => logs.Entries.Select(entry => entry.Event.Id);

    private static bool TimeOut() => throw new RedisTimeoutException("late", CommandStatus.Sent);

    private bool TimeOutAfter(TimeSpan delay)
    {
        time.Advance(delay);
        return TimeOut();
    }

    /// <summary>No chance at all.</summary>
    private sealed class Chance(double value) : Random
    {
        public override double NextDouble() => value;
    }
}
