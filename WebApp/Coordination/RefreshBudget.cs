using System.Threading.RateLimiting;
using WebApp.Tokens;

namespace WebApp.Coordination;

/// <summary>
/// Bounds what one session may cost the database, however its spent token is hammered (scenario 43). Far above what twenty tabs
/// and a hundred pictures need at one expiry, and a session over it is put off, never refused.
/// </summary>
internal sealed class RefreshBudget : IDisposable
{
    /// <summary>How many refreshes a session may have decided at once, on this node.</summary>
    public const int Burst = 500;

    private const int PerSecond = 10;

    private readonly PartitionedRateLimiter<SessionId> limiter = PartitionedRateLimiter.Create<SessionId, SessionId>(
        session => RateLimitPartition.GetTokenBucketLimiter(session, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = Burst,
            TokensPerPeriod = PerSecond,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
        }));

    /// <summary>Takes one refresh from the session's budget. False when nothing is left.</summary>
    public bool TryTake(SessionId session)
    {
        using var lease = limiter.AttemptAcquire(session);
        return lease.IsAcquired;
    }

    public void Dispose() => limiter.Dispose();
}
