using WebApp.Locking;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Locking;

/// <summary>The lock of a site without Redis.</summary>
public sealed class ProcessUserLockTests : UserLockContract
{
    private ProcessUserLock TheLock => (ProcessUserLock)Lock;

    [Fact]
    public async Task Waiters_are_served_in_the_order_they_came()
    {
        var holder = await TakeAsync(User);
        var waiting = await QueueAsync(5);
        foreach (var waiter in waiting)
        {
            await holder.DisposeAsync();
            holder = await waiter.InTime();
        }

        await holder.DisposeAsync();
    }

    [Fact]
    public async Task A_waiter_waits_for_as_long_as_is_configured()
    {
        await using var holder = await TakeAsync(User);
        await QueueAsync(1);

        Assert.Equal(Options.LockWait, Time.LastWait);
    }

    [Fact]
    public async Task Whoever_holds_a_lock_or_waits_for_it_counts_as_one_person()
    {
        var holder = await TakeAsync(User);
        await using var other = await TakeAsync(Some.User());
        var waiting = await QueueAsync(3);
        Assert.Equal(2, TheLock.Count);

        foreach (var waiter in waiting)
        {
            await holder.DisposeAsync();
            holder = await waiter.InTime();
            Assert.Equal(2, TheLock.Count);
        }

        await holder.DisposeAsync();
        Assert.Equal(1, TheLock.Count);
    }

    private protected override Task<IUserLock> CreateAsync() =>
        Task.FromResult<IUserLock>(new ProcessUserLock(Some.Options(), Time));

    /// <summary>A caller waits by the time the call returns.</summary>
    private protected override Task<List<Task<UserLease>>> QueueAsync(int count) =>
        Task.FromResult(Enumerable.Range(0, count).Select(_ => Lock.AcquireAsync(User).AsTask()).ToList());

    private protected override Task OthersHaveLookedAsync(int count) => Task.CompletedTask;

    private protected override Task LookedAgainAsync() => Task.CompletedTask;

    private protected override Task NothingIsLeftAsync()
    {
        Assert.Equal(0, TheLock.Count);
        return Task.CompletedTask;
    }
}
