namespace WebApp.Locking;

/// <summary>What came of waiting for a lock. Disposing it gives a held lock back; it may be disposed twice.</summary>
internal abstract class UserLease : IAsyncDisposable
{
    public abstract LeaseStatus Status { get; }

    /// <summary>Cancelled when a held lock may have passed to somebody else.</summary>
    public abstract CancellationToken Lost { get; }

    public abstract ValueTask DisposeAsync();

    public static UserLease NotHeld(LeaseStatus status) => new None(status);

    private sealed class None(LeaseStatus status) : UserLease
    {
        public override LeaseStatus Status => status;

        public override CancellationToken Lost => CancellationToken.None;

        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}

internal enum LeaseStatus
{
    /// <summary>The caller is the only one, as far as the lock can tell.</summary>
    Held,

    /// <summary>Somebody else held it for as long as the caller was willing to wait.</summary>
    WaitedOut,

    /// <summary>The service that keeps the locks cannot be reached.</summary>
    Unavailable,
}
