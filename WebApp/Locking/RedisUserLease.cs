using WebApp.Telemetry;

namespace WebApp.Locking;

/// <summary>A lock held in Redis. Its lease is renewed every third of its length until it is disposed or found to be lost.</summary>
internal sealed partial class RedisUserLease : UserLease
{
    private readonly RedisLockSlot slot;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly CancellationTokenSource lost = new();
    private readonly PeriodicTimer renewals;
    private readonly Task renewing;
    private int released;

    public RedisUserLease(RedisLockSlot slot, TimeProvider time, ILogger logger)
    {
        this.slot = slot;
        this.time = time;
        this.logger = logger;
        renewals = new PeriodicTimer(slot.Lease / 3, time);
        renewing = RenewAsync();
    }

    public override LeaseStatus Status => LeaseStatus.Held;

    public override CancellationToken Lost => lost.Token;

    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref released, 1) != 0)
        {
            return;
        }

        renewals.Dispose();
        await renewing;
        try
        {
            await slot.TryReleaseAsync();
        }
        catch (Exception away) when (away.IsRedisAway())
        {
            // The lease ends by itself; until then waiters wait, at most for Sessions:LockWait.
            ReleaseFailed(logger, away);
        }

        lost.Dispose();
    }

    private async Task RenewAsync()
    {
        var lastKnown = time.GetTimestamp();
        while (await renewals.WaitForNextTickAsync())
        {
            try
            {
                if (!await slot.TryRenewAsync())
                {
                    break;
                }

                lastKnown = time.GetTimestamp();
            }
            catch (Exception away) when (away.IsRedisAway())
            {
                if (time.GetElapsedTime(lastKnown) >= slot.Lease)
                {
                    RenewalFailed(logger, away);
                    break;
                }
            }
        }

        if (Volatile.Read(ref released) == 0)
        {
            LeaseLost(logger);
            await lost.CancelAsync();
        }
    }

    [LoggerMessage(LogEvents.LockReleaseFailed, LogLevel.Warning, "A lock could not be given back; its lease will end by itself.")]
    private static partial void ReleaseFailed(ILogger logger, Exception exception);

    [LoggerMessage(LogEvents.LockRenewalFailed, LogLevel.Warning, "A lock could not be renewed for the length of its lease.")]
    private static partial void RenewalFailed(ILogger logger, Exception exception);

    [LoggerMessage(LogEvents.LockLost, LogLevel.Warning, "A lock was lost while its work ran; the database settles the matter.")]
    private static partial void LeaseLost(ILogger logger);
}
