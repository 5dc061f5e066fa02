using WebApp.Tokens;

namespace WebApp.Locking;

/// <summary>
/// Lets one refresh of a person run at a time. It saves work and nothing else: whoever gets no lock is no less right, because
/// the database judges (protocol, "The coordinator").
/// </summary>
internal interface IUserLock
{
    /// <summary>
    /// Waits for the lock for at most <c>Sessions:LockWait</c>. Never throws for a lock service that is slow or away: the
    /// result says so.
    /// </summary>
    /// <param name="user">Whose refreshes wait for each other.</param>
    ValueTask<UserLease> AcquireAsync(UserId user);
}
