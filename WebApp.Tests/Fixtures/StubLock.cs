using WebApp.Locking;
using WebApp.Tokens;

namespace WebApp.Tests.Fixtures;

/// <summary>A lock that says what it is told to say, at once, and counts.</summary>
internal sealed class StubLock : IUserLock
{
    private int acquired;
    private int givenBack;

    public LeaseStatus Says { get; set; } = LeaseStatus.Held;

    /// <summary>A defect, if it has one.</summary>
    public Exception? Throws { get; set; }

    /// <summary>A real lock to ask instead.</summary>
    public IUserLock? Instead { get; set; }

    public int Acquired => acquired;

    public int GivenBack => givenBack;

    public ValueTask<UserLease> AcquireAsync(UserId user)
    {
        Interlocked.Increment(ref acquired);
        return Throws is { } defect ? throw defect : Instead?.AcquireAsync(user) ?? ValueTask.FromResult<UserLease>(new Lease(this));
    }

    private sealed class Lease(StubLock owner) : UserLease
    {
        public override LeaseStatus Status { get; } = owner.Says;

        public override CancellationToken Lost => CancellationToken.None;

        public override ValueTask DisposeAsync()
        {
            Interlocked.Increment(ref owner.givenBack);
            return ValueTask.CompletedTask;
        }
    }
}
