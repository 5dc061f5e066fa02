namespace WebApp.Tests.Fixtures;

/// <summary>The clocks of a machine, of which the one on the wall can be set without the other noticing.</summary>
internal sealed class MachineClocks(WatchedTime time) : TimeProvider
{
    /// <summary>How far the clock on the wall is ahead.</summary>
    public TimeSpan Skew { get; set; }

    public override long TimestampFrequency => time.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => time.GetUtcNow() + Skew;

    public override long GetTimestamp() => time.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        time.CreateTimer(callback, state, dueTime, period);
}
