using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Storage;

/// <summary>What another node has ended is read at once when somebody says so, and in time when nobody does (scenarios 21 and 34).</summary>
public sealed class RevokedSessionsHurryTests : IAsyncLifetime
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Spacing = TimeSpan.FromMilliseconds(100);

    private Store here = null!;
    private Store there = null!;
    private RefreshToken token = null!;
    private RevokedSessionsReader reader = null!;

    public async ValueTask InitializeAsync()
    {
        here = await Store.OpenAsync();
        there = here.Another();
        token = await here.SignInAsync();
        reader = await here.StartAsync<RevokedSessionsReader>();
        here.Probe.Forget();
    }

    public async ValueTask DisposeAsync()
    {
        here.Probe.StopHolding(Sql.ReadRevoked);
        await there.DisposeAsync();
        await here.DisposeAsync();
    }

    /// <summary>The clock stands still: no tick has helped.</summary>
    [Fact]
    public async Task Told_of_news_it_reads_at_once()
    {
        await there.RevokeAsync(token.Session);

        await ReadingAsync(reader.ReadSoon);
        await ReadingAsync(() => here.Time.Advance(Interval));

        Assert.Equal(RefusalReason.Revoked, here.Get<RevokedSessions>().ReasonFor(token.Session));
    }

    /// <summary>The timer of the start is that of the run: a second one would read twice as often, and outlive the site.</summary>
    [Fact]
    public async Task One_timer_brings_all_readings()
    {
        await ReadingAsync(reader.ReadSoon);
        await ReadingAsync(() => here.Time.Advance(Interval));

        Assert.Equal(1, here.Time.Tickers);
    }

    [Fact]
    public async Task A_storm_of_news_is_a_reading_each_tenth_of_a_second()
    {
        for (var tenth = 0; tenth < 10; tenth++)
        {
            var read = here.Probe.NextAsync(Sql.ReadRevoked);
            for (var told = 0; told < 10; told++)
            {
                reader.ReadSoon();
                here.Time.Advance(Spacing / 10);

                // Time enough, on the wall, for a reading that comes too soon.
                await here.RowAsync(token.Session);
            }

            await read;
        }

        Assert.InRange(here.Probe.Count(Sql.ReadRevoked), 10, 11);
    }

    /// <summary>Being told again and again must not put the reading off.</summary>
    [Fact]
    public async Task However_often_it_is_told_it_reads_within_a_tenth_of_a_second()
    {
        await ReadingAsync(reader.ReadSoon);
        here.Probe.StopHolding(Sql.ReadRevoked);
        var gate = here.Probe.Hold(Sql.ReadRevoked);
        for (var told = 0; told < 10; told++)
        {
            reader.ReadSoon();
            here.Time.Advance(Spacing / 10);
        }

        await gate.Arrived;
    }

    /// <summary>What was committed while the database was being read may not have been seen by that reading.</summary>
    [Fact]
    public async Task News_during_a_reading_is_one_more_reading()
    {
        await ReadingAsync(reader.ReadSoon);
        await there.RevokeAsync(token.Session);
        for (var told = 0; told < 50; told++)
        {
            reader.ReadSoon();
        }

        await ReadingAsync(() => here.Time.Advance(Spacing));
        await ReadingAsync(() => here.Time.Advance(Interval));

        Assert.Equal(RefusalReason.Revoked, here.Get<RevokedSessions>().ReasonFor(token.Session));
        Assert.Equal(3, here.Probe.Count(Sql.ReadRevoked));
    }

    /// <summary>
    /// A database that takes longer to answer than the pause between two readings: the next one begins when it has answered, and
    /// looks back to before the slow one began.
    /// </summary>
    [Fact]
    public async Task A_slow_database_loses_no_tick_and_no_revocation()
    {
        await ReadingAsync(() => here.Time.Advance(Interval));
        await there.RevokeAsync(token.Session);
        var twice = here.Probe.ExecutedAsync(Sql.ReadRevoked, 2);
        here.Time.Advance(TimeSpan.FromSeconds(45));

        // The clock stands still from here on.
        here.Probe.StopHolding(Sql.ReadRevoked);
        await twice;
        await ReadingAsync(() => here.Time.Advance(Interval));

        Assert.Equal(RefusalReason.Revoked, here.Get<RevokedSessions>().ReasonFor(token.Session));
    }

    [Fact]
    public async Task Told_before_it_runs_or_after_it_has_ended_it_does_nothing()
    {
        there.Get<RevokedSessionsReader>().ReadSoon();
        await reader.StopAsync(CancellationToken.None);

        reader.ReadSoon();
    }

    [Fact]
    public async Task The_node_that_ends_a_session_tells_and_a_node_that_reads_of_it_does_not()
    {
        var (toldThere, toldHere) = (0, 0);
        there.Get<RevokedSessions>().EndedHere += _ => toldThere++;
        here.Get<RevokedSessions>().EndedHere += _ => toldHere++;

        await there.RevokeAsync(token.Session);
        await there.RevokeAsync(token.Session);
        await ReadingAsync(() => here.Time.Advance(Interval));
        await ReadingAsync(() => here.Time.Advance(Interval));

        Assert.NotNull(here.Get<RevokedSessions>().ReasonFor(token.Session));
        Assert.Equal((1, 0), (toldThere, toldHere));
    }

    /// <summary>Lets the reading before go on, and returns when the reader stands before the next one.</summary>
    private async Task ReadingAsync(Action brings)
    {
        here.Probe.StopHolding(Sql.ReadRevoked);
        var gate = here.Probe.Hold(Sql.ReadRevoked);
        brings();
        await gate.Arrived;
    }
}
