using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Telemetry;
using WebApp.Tokens;

namespace WebApp.Locking;

/// <summary>
/// A lock among all nodes: <c>SET key owner NX PX</c>, released and renewed only by its owner, waiters woken by pub/sub with a
/// jittered poll as the net.
/// </summary>
internal sealed partial class RedisUserLock(
    IRedisLocks redis,
    IOptions<SessionsOptions> options,
    TimeProvider time,
    Random random,
    ILogger<RedisUserLock> logger) : IUserLock
{
    /// <summary>How long a waiter sleeps at most before it looks for itself: a message may be lost, and a dead holder sends none.</summary>
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(250);

    public async ValueTask<UserLease> AcquireAsync(UserId user)
    {
        if (redis.Open(user) is not { } slot)
        {
            return UserLease.NotHeld(LeaseStatus.Unavailable);
        }

        try
        {
            return await slot.TryTakeAsync() || await WaitAsync(slot)
                ? new RedisUserLease(slot, time, logger)
                : UserLease.NotHeld(LeaseStatus.WaitedOut);
        }
        catch (Exception spared) when (spared.IsSpared())
        {
            // Nothing was sent, and nothing is to be told that was not told when the circuit opened.
            return UserLease.NotHeld(LeaseStatus.Unavailable);
        }
        catch (Exception away) when (away.IsRedisAway())
        {
            // A request that timed out may yet be carried out: give back what this owner may hold.
            slot.ReleaseInBackground();
            LockServiceAway(logger, away, user);
            return UserLease.NotHeld(LeaseStatus.Unavailable);
        }
    }

    /// <summary>True when the lock was taken, false when patience ended first.</summary>
    private async Task<bool> WaitAsync(IRedisLockSlot slot)
    {
        var started = time.GetTimestamp();
        await using var released = await slot.SubscribeAsync();

        // Asked again after subscribing: a release in between would have been missed.
        while (!await slot.TryTakeAsync())
        {
            var left = options.Value.LockWait - time.GetElapsedTime(started);
            if (left <= TimeSpan.Zero)
            {
                return false;
            }

            var pause = Poll * (0.5 + (0.5 * random.NextDouble()));
            await released.NextAsync(pause < left ? pause : left, time);
        }

        return true;
    }

    [LoggerMessage(LogEvents.LockServiceAway, LogLevel.Warning,
        "Redis is away; the refresh of user {User} is settled by the database alone.")]
    private static partial void LockServiceAway(ILogger logger, Exception exception, UserId user);
}
