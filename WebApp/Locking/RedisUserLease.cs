using WebApp.Telemetry;

namespace WebApp.Locking;

/// <summary>A lock held in Redis. Its lease is renewed every third of its length until it is disposed or found to be lost.</summary>
internal sealed partial class RedisUserLease : UserLease
{
    private readonly IRedisLockSlot slot;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly CancellationTokenSource lost = new();
    private readonly PeriodicTimer renewals;
    private readonly Task renewing;
    private int released;

    public RedisUserLease(IRedisLockSlot slot, TimeProvider time, ILogger logger)
    {
        this.slot = slot;
        this.time = time;
        this.logger = logger;
        Lost = lost.Token;
        renewals = new PeriodicTimer(slot.Lease / 3, time);
        renewing = RenewAsync();
    }

    public override LeaseStatus Status => LeaseStatus.Held;

    public override CancellationToken Lost { get; }

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
        // A lease that was renewed after this moment ends a lease later at the earliest.
        var renewedAfter = time.GetTimestamp();
        while (await renewals.WaitForNextTickAsync())
        {
            var asked = time.GetTimestamp();
            try
            {
                if (!await slot.TryRenewAsync())
                {
                    break;
                }

                renewedAfter = asked;
            }
            catch (Exception away) when (away.IsRedisAway())
            {
                // Two thirds of the lease are over. Told now, because by the next tick the lock may be somebody else's.
                if (time.GetElapsedTime(renewedAfter) > slot.Lease / 2)
                {
                    RenewalFailed(logger, away);
                    break;
                }
            }
        }

        if (Volatile.Read(ref released) == 0)
        {
            LeaseLost(logger);
            // Not CancelAsync, which would tell from another thread and later.
            lost.Cancel();
        }
    }

    [LoggerMessage(LogEvents.LockReleaseFailed, LogLevel.Warning, "A lock could not be given back; its lease will end by itself.")]
    private static partial void ReleaseFailed(ILogger logger, Exception exception);

    [LoggerMessage(LogEvents.LockRenewalFailed, LogLevel.Warning, "A lock could not be renewed, and its lease is about to end.")]
    private static partial void RenewalFailed(ILogger logger, Exception exception);

    [LoggerMessage(LogEvents.LockLost, LogLevel.Warning, "A lock was lost while its work ran; the database settles the matter.")]
    private static partial void LeaseLost(ILogger logger);
}
