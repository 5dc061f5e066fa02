using WebApp.Tokens;

namespace WebApp.Locking;

/// <summary>What <see cref="RedisUserLock"/> asks of Redis: single commands, without any waiting for others.</summary>
internal interface IRedisLocks
{
    /// <summary>The lock of a user for a new would-be owner; null while Redis is known to be away.</summary>
    IRedisLockSlot? Open(UserId user);
}

/// <summary>
/// One user's lock in Redis, seen by one would-be owner. A command throws what <see cref="RedisFaults"/> knows when Redis is
/// away, and may have been carried out all the same.
/// </summary>
internal interface IRedisLockSlot
{
    /// <summary>How long the lock outlives its last renewal.</summary>
    TimeSpan Lease { get; }

    /// <summary>Whether the lock was free and is this owner's from now on.</summary>
    Task<bool> TryTakeAsync();

    /// <summary>Whether the lock was still this owner's; it is free now.</summary>
    Task<bool> TryReleaseAsync();

    /// <summary>Whether the lock is still this owner's; if so, its lease starts anew.</summary>
    Task<bool> TryRenewAsync();

    /// <summary>Never waits and never throws: what cannot be given back ends with its lease.</summary>
    void ReleaseInBackground();

    /// <summary>Hears of releases from now on.</summary>
    Task<IRedisReleases> SubscribeAsync();
}

/// <summary>The messages of holders that let go.</summary>
internal interface IRedisReleases : IAsyncDisposable
{
    /// <summary>Returns when a holder has let go, or after <paramref name="patience"/>.</summary>
    Task NextAsync(TimeSpan patience, TimeProvider time);
}
