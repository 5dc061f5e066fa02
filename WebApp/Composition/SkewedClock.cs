namespace WebApp.Composition;

/// <summary>A machine whose wall clock is wrong. For fault tests: nobody sets <see cref="Key"/> otherwise.</summary>
internal sealed class SkewedClock(TimeProvider machine, TimeSpan skew) : TimeProvider
{
    public const string Key = "Testing:ClockSkew";

    public override long TimestampFrequency => machine.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => machine.GetUtcNow() + skew;

    public override long GetTimestamp() => machine.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        machine.CreateTimer(callback, state, dueTime, period);
}
