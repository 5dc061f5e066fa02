using WebApp.Storage;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Storage;

/// <summary>Scenarios 27 and 28: whatever this machine's wall clock shows, the site goes by the database's.</summary>
public sealed class DatabaseClockTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private readonly WatchedTime time = new();
    private readonly MachineClocks machine;
    private readonly DatabaseClock clock;

    public DatabaseClockTests() => clock = new DatabaseClock(machine = new MachineClocks(time));

    [Fact]
    public void Before_the_first_look_it_is_the_machines_time()
    {
        Assert.Equal((machine.GetUtcNow(), TimeSpan.Zero, TimeSpan.Zero), (clock.GetUtcNow(), clock.Offset, clock.Drift));
        Assert.Equal(TimeSpan.MaxValue, clock.Age);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public void What_the_database_shows_is_the_time(int hours)
    {
        clock.Set(The.Beginning + (hours * Hour));

        Assert.Equal(The.Beginning + (hours * Hour), clock.GetUtcNow());
        Assert.Equal(hours * Hour, clock.Offset);
    }

    [Fact]
    public void Between_two_looks_it_goes_on_as_time_does()
    {
        clock.Set(The.Beginning + Hour);
        time.Advance(TimeSpan.FromSeconds(17));

        Assert.Equal(The.Beginning + Hour + TimeSpan.FromSeconds(17), clock.GetUtcNow());
        Assert.Equal((Hour, TimeSpan.Zero, TimeSpan.FromSeconds(17)), (clock.Offset, clock.Drift, clock.Age));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public void A_wall_clock_that_is_set_by_an_hour_is_not_noticed(int hours)
    {
        clock.Set(The.Beginning);
        machine.Skew = hours * Hour;

        Assert.Equal(The.Beginning, clock.GetUtcNow());
        Assert.Equal((hours * Hour, -hours * Hour), (clock.Drift, clock.Offset));
    }

    [Fact]
    public void A_later_look_counts_from_then()
    {
        clock.Set(The.Beginning);
        time.Advance(Hour);
        clock.Set(The.Beginning + TimeSpan.FromMinutes(59));
        time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(The.Beginning + TimeSpan.FromMinutes(59) + TimeSpan.FromSeconds(1), clock.GetUtcNow());
    }
}
