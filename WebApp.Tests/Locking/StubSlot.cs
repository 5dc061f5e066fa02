using WebApp.Locking;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;

namespace WebApp.Tests.Locking;

/// <summary>One user's lock in a Redis that answers, or fails, as the test says; and the Redis, which has that lock alone.</summary>
internal sealed class StubSlot : IRedisLocks, IRedisLockSlot
{
    /// <summary>Enough for a waiter that has lost its way to be found out.</summary>
    private const int MaxPauses = 100;

    private readonly Gate renewals = new();

    /// <summary>What comes of wanting the lock, each time; it is free after the last.</summary>
    public Queue<Func<bool>> Takes { get; } = new();

    /// <summary>What comes of renewing it, each time; it is renewed after the last.</summary>
    public Queue<Func<bool>> Renewals { get; } = new();

    /// <summary>What comes of giving it back.</summary>
    public Func<bool> Release { get; set; } = () => true;

    /// <summary>Where a renewal waits for its answer.</summary>
    public Gate? Renewing { get; set; }

    /// <summary>Whether the connection stands.</summary>
    public bool IsThere { get; set; } = true;

    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(9);

    /// <summary>How long each wait for a message was to be at most.</summary>
    public List<TimeSpan> Pauses { get; } = [];

    /// <summary>How often it was given back by somebody who waited for the answer.</summary>
    public int Released { get; private set; }

    /// <summary>And by somebody who did not.</summary>
    public int ReleasedInBackground { get; private set; }

    /// <summary>How often it was to be renewed.</summary>
    public int Renewed => renewals.Count;

    public IRedisLockSlot? Open(UserId user) => IsThere ? this : null;

    /// <summary>Completes when it is to be renewed for the n-th time.</summary>
    public Task RenewedAsync(int count) => renewals.ArrivedAsync(count);

    public Task<bool> TryTakeAsync() => Task.FromResult(!Takes.TryDequeue(out var take) || take());

    public Task<bool> TryReleaseAsync()
    {
        Released++;
        return Task.FromResult(Release());
    }

    public async Task<bool> TryRenewAsync()
    {
        _ = renewals.PassAsync();
        await (Renewing?.PassAsync() ?? Task.CompletedTask);
        return !Renewals.TryDequeue(out var renewal) || renewal();
    }

    public void ReleaseInBackground() => ReleasedInBackground++;

    public Task<IRedisReleases> SubscribeAsync() => Task.FromResult<IRedisReleases>(new Silence(this));

    /// <summary>Nobody lets go: all of a waiter's patience passes.</summary>
    private sealed class Silence(StubSlot slot) : IRedisReleases
    {
        public Task NextAsync(TimeSpan patience, TimeProvider time)
        {
            slot.Pauses.Add(patience);
            if (slot.Pauses.Count > MaxPauses)
            {
                throw new InvalidOperationException("Somebody waits for ever.");
            }

            ((WatchedTime)time).Advance(patience);
            return Task.CompletedTask;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
