namespace WebApp.Tests.Fixtures;

/// <summary>Things there is one of.</summary>
internal static class The
{
    /// <summary>The moment at which test clocks start.</summary>
    public static DateTimeOffset Beginning { get; } = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>The clock on the wall, for what a real server has to see pass.</summary>
    public static TimeProvider WallClock { get; } = new Wall();

    /// <summary>Ends what should have ended long before.</summary>
    public static CancellationTokenSource Patience() => new(Fixtures.Patience.Long, WallClock);

    private sealed class Wall : TimeProvider;
}
