using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Tokens;

namespace WebApp.Locking;

/// <summary>A lock among the requests of this process, for a site without Redis.</summary>
internal sealed class ProcessUserLock(IOptions<SessionsOptions> options, TimeProvider time) : IUserLock
{
    private readonly Dictionary<UserId, Queue> queues = [];

    /// <summary>How many people hold a lock or wait for one.</summary>
    public int Count
    {
        get
        {
            lock (queues)
            {
                return queues.Count;
            }
        }
    }

    public async ValueTask<UserLease> AcquireAsync(UserId user)
    {
        var queue = Join(user);
        using var patience = new CancellationTokenSource(options.Value.LockWait, time);
        try
        {
            await queue.Turn.WaitAsync(patience.Token);
            return new Lease(this, user, queue);
        }
        catch (OperationCanceledException)
        {
            Leave(user, queue);
            return UserLease.NotHeld(LeaseStatus.WaitedOut);
        }
    }

    private Queue Join(UserId user)
    {
        lock (queues)
        {
            if (!queues.TryGetValue(user, out var queue))
            {
                queues[user] = queue = new Queue();
            }

            queue.Members++;
            return queue;
        }
    }

    /// <summary>The last one out takes the queue away, so that memory follows the people who are refreshing now.</summary>
    private void Leave(UserId user, Queue queue)
    {
        lock (queues)
        {
            if (--queue.Members == 0)
            {
                queues.Remove(user);
                queue.Turn.Dispose();
            }
        }
    }

    private sealed class Queue
    {
        public SemaphoreSlim Turn { get; } = new(1, 1);

        public int Members { get; set; }
    }

    private sealed class Lease(ProcessUserLock owner, UserId user, Queue queue) : UserLease
    {
        private int released;

        public override LeaseStatus Status => LeaseStatus.Held;

        public override CancellationToken Lost => CancellationToken.None;

        public override ValueTask DisposeAsync()
        {
            if (Interlocked.Exchange(ref released, 1) == 0)
            {
                queue.Turn.Release();
                owner.Leave(user, queue);
            }

            return ValueTask.CompletedTask;
        }
    }
}
