using WebApp.Configuration;
using WebApp.Locking;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Locking;

/// <summary>What every lock keeps to, among the requests of one process and among nodes.</summary>
public abstract class UserLockContract : IAsyncLifetime
{
    private const int Waiters = 5;

    private protected static SessionsOptions Options { get; } = new();

    /// <summary>The clock of every lock under test. Nothing happens by itself: neither polls nor patience.</summary>
    private protected WatchedTime Time { get; } = new();

    private protected UserId User { get; } = Some.User();

    private protected IUserLock Lock { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Lock = await CreateAsync();

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_free_lock_is_had_at_once()
    {
        await using var lease = await TakeAsync(User);

        Assert.Equal(LeaseStatus.Held, lease.Status);
        Assert.False(lease.Lost.IsCancellationRequested);
    }

    [Fact]
    public async Task A_lock_that_was_given_back_is_had_at_once()
    {
        await (await TakeAsync(User)).DisposeAsync();
        await using var again = await TakeAsync(User);

        Assert.Equal(LeaseStatus.Held, again.Status);
    }

    [Fact]
    public async Task Other_users_do_not_wait()
    {
        await using var one = await TakeAsync(User);
        await using var other = await TakeAsync(Some.User());

        Assert.Equal(LeaseStatus.Held, one.Status);
        Assert.Equal(LeaseStatus.Held, other.Status);
    }

    /// <summary>The clock stands still, so nothing but the release can have woken them.</summary>
    [Fact]
    public async Task Each_release_lets_exactly_one_waiter_in()
    {
        var holder = await TakeAsync(User);
        var waiting = await QueueAsync(Waiters);
        while (waiting.Count > 0)
        {
            Assert.All(waiting, waiter => Assert.False(waiter.IsCompleted));

            await holder.DisposeAsync();
            var winner = await Task.WhenAny(waiting).InTime();
            holder = await winner;
            Assert.Equal(LeaseStatus.Held, holder.Status);
            waiting.Remove(winner);
            await OthersHaveLookedAsync(waiting.Count);
        }

        await holder.DisposeAsync();
    }

    [Fact]
    public async Task No_two_hold_a_lock_at_once_however_many_want_it()
    {
        var inside = 0;
        var most = 0;
        var rounds = Enumerable.Range(0, 30).Select(_ => Task.Run(async () =>
        {
            await using var lease = await TakeAsync(User);
            var now = Interlocked.Increment(ref inside);
            InterlockedMax(ref most, now);
            await Task.Yield();
            Interlocked.Decrement(ref inside);
            return lease.Status;
        }));

        var all = await Task.WhenAll(rounds).InTime();

        Assert.All(all, status => Assert.Equal(LeaseStatus.Held, status));
        Assert.Equal(1, most);
    }

    /// <summary>Scenario 17.</summary>
    [Fact]
    public async Task Patience_ends_with_an_answer_and_not_before_its_time()
    {
        await using var holder = await TakeAsync(User);
        var waiter = Assert.Single(await QueueAsync(1));

        Time.Advance(Options.LockWait - TimeSpan.FromMilliseconds(1));
        await LookedAgainAsync();
        Assert.False(waiter.IsCompleted);

        Time.Advance(TimeSpan.FromMilliseconds(1));
        await using var lease = await waiter.InTime();
        Assert.Equal(LeaseStatus.WaitedOut, lease.Status);
    }

    [Fact]
    public async Task Who_waited_in_vain_leaves_nothing_behind()
    {
        var holder = await TakeAsync(User);
        var waiter = Assert.Single(await QueueAsync(1));
        Time.Advance(Options.LockWait);
        var lease = await waiter.InTime();
        Assert.Equal(LeaseStatus.WaitedOut, lease.Status);

        await lease.DisposeAsync();
        var next = Assert.Single(await QueueAsync(1));
        Assert.False(next.IsCompleted);

        await holder.DisposeAsync();
        await using var held = await next.InTime();
        Assert.Equal(LeaseStatus.Held, held.Status);
    }

    [Fact]
    public async Task A_lease_given_back_twice_frees_nobody_elses_lock()
    {
        var first = await TakeAsync(User);
        await first.DisposeAsync();
        await using var second = await TakeAsync(User);

        await first.DisposeAsync();
        var third = Assert.Single(await QueueAsync(1));
        Time.Advance(Options.LockWait);

        await using var lease = await third.InTime();
        Assert.Equal(LeaseStatus.WaitedOut, lease.Status);
    }

    [Fact]
    public async Task A_lease_given_back_can_still_be_asked()
    {
        var lease = await TakeAsync(User);
        await lease.DisposeAsync();

        Assert.Equal(LeaseStatus.Held, lease.Status);
        Assert.False(lease.Lost.IsCancellationRequested);
    }

    [Fact]
    public async Task Nothing_is_left_of_a_user_when_all_have_gone()
    {
        var holder = await TakeAsync(User);
        var impatient = Assert.Single(await QueueAsync(1));
        Time.Advance(Options.LockWait);
        await (await impatient.InTime()).DisposeAsync();

        var patient = Assert.Single(await QueueAsync(1));
        await holder.DisposeAsync();
        await (await patient.InTime()).DisposeAsync();

        await NothingIsLeftAsync();
    }

    private protected Task<UserLease> TakeAsync(UserId user) => Lock.AcquireAsync(user).AsTask().InTime();

    private protected abstract Task<IUserLock> CreateAsync();

    private protected virtual Task CloseAsync() => Task.CompletedTask;

    /// <summary>Returns once so many more callers wait.</summary>
    private protected abstract Task<List<Task<UserLease>>> QueueAsync(int count);

    /// <summary>Returns once whoever was woken in vain waits again.</summary>
    private protected abstract Task OthersHaveLookedAsync(int count);

    /// <summary>Returns once a waiter that the clock has woken waits again.</summary>
    private protected abstract Task LookedAgainAsync();

    private protected abstract Task NothingIsLeftAsync();

    private static void InterlockedMax(ref int place, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref place)) < value && Interlocked.CompareExchange(ref place, value, seen) != seen)
        {
        }
    }
}
