using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>How the database judged a refresh token. The four outcomes of the protocol ("Words").</summary>
internal enum RotationStatus
{
    Rotated,
    Replayed,
    Rejected,
    Unavailable,
}

/// <summary>A status and what goes with it.</summary>
/// <param name="Grant">The current generation, if rotated or replayed.</param>
/// <param name="IssuedAt">A time from before the statement that granted it.</param>
/// <param name="Reason">Why, if rejected.</param>
/// <param name="LostResponse">Whether a replay came too late to be a race.</param>
internal sealed record RotationVerdict(
    RotationStatus Status,
    SessionGrant? Grant = null,
    DateTimeOffset IssuedAt = default,
    RefusalReason? Reason = null,
    bool LostResponse = false)
{
    public static RotationVerdict Unavailable { get; } = new(RotationStatus.Unavailable);

    public static RotationVerdict Rejected(RefusalReason reason) => new(RotationStatus.Rejected, Reason: reason);
}
