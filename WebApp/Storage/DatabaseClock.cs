namespace WebApp.Storage;

/// <summary>
/// The time by which windows and limits are judged: the database's, so that all nodes agree (protocol, "Time"). Between two
/// looks at the database it goes on with this machine's monotonic clock, so that a wall clock that is wrong, or is set by an hour
/// while the site runs, is never noticed (scenarios 27 and 28).
/// </summary>
/// <param name="machine">The clocks of this machine.</param>
internal sealed class DatabaseClock(TimeProvider machine) : TimeProvider
{
    private volatile Anchor? anchor;

    public override long TimestampFrequency => machine.TimestampFrequency;

    public override TimeZoneInfo LocalTimeZone => machine.LocalTimeZone;

    /// <summary>How far the machine's wall clock is behind the database's; negative if it is ahead.</summary>
    public TimeSpan Offset => GetUtcNow() - machine.GetUtcNow();

    /// <summary>
    /// How much further the machine's wall clock has moved than its monotonic clock since the last look at the database. A
    /// machine that was suspended stops the one and not the other: the database has to be asked again.
    /// </summary>
    public TimeSpan Drift => anchor is { } known
        ? machine.GetUtcNow() - known.Wall - machine.GetElapsedTime(known.Timestamp)
        : TimeSpan.Zero;

    /// <summary>How long ago the database was looked at.</summary>
    public TimeSpan Age => anchor is { } known ? machine.GetElapsedTime(known.Timestamp) : TimeSpan.MaxValue;

    public override DateTimeOffset GetUtcNow() => anchor is { } known
        ? known.Time + machine.GetElapsedTime(known.Timestamp)
        : machine.GetUtcNow();

    public override long GetTimestamp() => machine.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        machine.CreateTimer(callback, state, dueTime, period);

    /// <summary>Takes over what the database's clock shows at this moment.</summary>
    public void Set(DateTimeOffset shown) => anchor = new Anchor(shown, machine.GetTimestamp(), machine.GetUtcNow());

    /// <param name="Time">What the database's clock showed.</param>
    /// <param name="Timestamp">When that was, by the machine's monotonic clock.</param>
    /// <param name="Wall">And by its wall clock.</param>
    private sealed record Anchor(DateTimeOffset Time, long Timestamp, DateTimeOffset Wall);
}
