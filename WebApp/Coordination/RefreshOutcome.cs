using WebApp.Tokens;

namespace WebApp.Coordination;

/// <summary>What came of asking for a refresh (protocol, "Words").</summary>
internal enum RefreshStatus
{
    /// <summary>This request moved the session to its next generation.</summary>
    Rotated,

    /// <summary>Another request had; this one gets the same successor.</summary>
    Replayed,

    /// <summary>The session is over. The only outcome that sends anybody to sign in.</summary>
    Rejected,

    /// <summary>Nothing was decided, and trying again is safe.</summary>
    Unavailable,
}

/// <summary>A status and what goes with it.</summary>
internal sealed class RefreshOutcome
{
    private readonly TokenPair? pair;
    private readonly RefusalReason? reason;

    private RefreshOutcome(RefreshStatus status, TokenPair? pair, RefusalReason? reason, long decidedAt)
    {
        Status = status;
        this.pair = pair;
        this.reason = reason;
        DecidedAt = decidedAt;
    }

    public static RefreshOutcome Unavailable { get; } = new(RefreshStatus.Unavailable, null, null, 0);

    public RefreshStatus Status { get; }

    /// <summary>The current generation, if rotated or replayed.</summary>
    public TokenPair Pair => pair ?? throw new InvalidOperationException($"A refresh that was {Status} has no pair.");

    /// <summary>Why, if rejected.</summary>
    public RefusalReason Reason => reason ?? throw new InvalidOperationException($"A refresh that was {Status} has no reason.");

    /// <summary>A timestamp of the monotonic clock (<see cref="TimeProvider.GetTimestamp"/>): a pair must leave soon after it.</summary>
    public long DecidedAt { get; }

    public static RefreshOutcome Granted(RefreshStatus status, TokenPair pair, long decidedAt) => new(status, pair, null, decidedAt);

    public static RefreshOutcome Rejected(RefusalReason reason) => new(RefreshStatus.Rejected, null, reason, 0);
}
