using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using WebApp.Composition;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Storage;

/// <summary>Scenario 28 on a real PostgreSQL, whose clock is the wall's, and a machine whose clocks are the test's.</summary>
public sealed class DatabaseClockReaderTests(SharedPostgres postgres) : IAsyncLifetime
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly WatchedTime time = new();
    private readonly Looks looks = new();
    private readonly LogProbe logs = new();
    private MachineClocks machine = null!;
    private DatabaseClock clock = null!;
    private DatabaseClockReader reader = null!;

    public async ValueTask InitializeAsync()
    {
        var database = await (await postgres.ServerAsync()).CreateDatabaseAsync();
        machine = new MachineClocks(time);
        clock = new DatabaseClock(machine);
        reader = new DatabaseClockReader(
            new Databases(database, looks), clock, LoggerFactory.Create(logging => logging.AddProvider(logs)).CreateLogger<DatabaseClockReader>());
    }

    public async ValueTask DisposeAsync()
    {
        await reader.StopAsync(CancellationToken.None);
        reader.Dispose();
    }

    [Fact]
    public async Task The_databases_clock_is_read_before_the_site_starts()
    {
        var before = The.WallClock.GetUtcNow();
        await reader.StartAsync(CancellationToken.None);

        // To the database's millisecond.
        Assert.InRange(clock.GetUtcNow(), before - Second, The.WallClock.GetUtcNow() + Second);
        Assert.Equal(3, looks.Count);
    }

    [Fact]
    public async Task A_machine_that_is_an_hour_off_is_served_the_databases_time_and_says_so()
    {
        var skewed = new DatabaseClock(new SkewedClock(The.WallClock, TimeSpan.FromHours(1)));
        using var other = new DatabaseClockReader(
            new Databases(await (await postgres.ServerAsync()).CreateDatabaseAsync(), looks), skewed,
            LoggerFactory.Create(logging => logging.AddProvider(logs)).CreateLogger<DatabaseClockReader>());
        await other.StartAsync(CancellationToken.None);

        Assert.InRange(skewed.GetUtcNow() - The.WallClock.GetUtcNow(), -Second, Second);
        var health = await other.CheckHealthAsync(new HealthCheckContext());
        Assert.Equal(HealthStatus.Degraded, health.Status);
        Assert.Matches(@"^This machine's clock is (01:00:00|00:59:59)\S* off; the database's is used\.$", health.Description);
        Assert.Contains(logs.Entries, entry => entry.Event.Id == LogEvents.MachineClockOff);
        await other.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task A_machine_that_is_right_is_healthy()
    {
        machine.Skew = The.WallClock.GetUtcNow() - machine.GetUtcNow();
        await reader.StartAsync(CancellationToken.None);

        Assert.Equal(HealthStatus.Healthy, (await reader.CheckHealthAsync(new HealthCheckContext())).Status);
        Assert.DoesNotContain(logs.Entries, entry => entry.Event.Id == LogEvents.MachineClockOff);
    }

    /// <summary>The time on the way there and back is what a look may be wrong by.</summary>
    [Theory]
    [InlineData(5, 100, 300, 2)]
    [InlineData(100, 300, 5, 2)]
    [InlineData(300, 5, 100, 2)]
    public async Task Of_three_looks_the_quickest_counts(int first, int second, int third, int expected)
    {
        var taken = new Queue<int>([first, second, third]);
        looks.Look = () =>
        {
            time.Advance(TimeSpan.FromMilliseconds(taken.Dequeue()));
            return machine.GetUtcNow();
        };

        await reader.StartAsync(CancellationToken.None);

        // It showed the machine's own time, and half of what the look took is added: 2.5 ms for the quickest.
        Assert.Equal(expected, (int)clock.Offset.TotalMilliseconds);
    }

    [Fact]
    public async Task The_database_is_asked_every_minute_and_not_more_often()
    {
        await StartedAsync();
        for (var second = 0; second < 59; second++)
        {
            time.Advance(Second);
        }

        Assert.Equal(3, looks.Count);
        time.Advance(Second);
        await looks.CountedAsync(6);
    }

    /// <summary>A suspended machine's monotonic clock stands still, and its wall clock does not.</summary>
    [Fact]
    public async Task A_machine_that_was_suspended_asks_within_a_second()
    {
        await StartedAsync();
        machine.Skew = TimeSpan.FromHours(1);

        time.Advance(Second);

        await looks.CountedAsync(6);
    }

    [Fact]
    public async Task While_the_database_is_away_the_clock_goes_on_and_then_it_is_asked_again()
    {
        await StartedAsync();
        var shown = clock.GetUtcNow();
        looks.Fault = new Npgsql.NpgsqlException("The database is away, says the test.");
        time.Advance(TimeSpan.FromMinutes(1));
        await looks.CountedAsync(4);
        Assert.Equal(shown + TimeSpan.FromMinutes(1), clock.GetUtcNow());
        await logs.HeardAsync(LogEvents.DatabaseClockNotRead);

        looks.Fault = null;
        var failed = looks.Count;
        time.Advance(Second);
        await looks.CountedAsync(failed + 3);
    }

    private async Task StartedAsync()
    {
        await reader.StartAsync(CancellationToken.None);
        await time.TickersAsync(1);
    }

    private sealed class Databases(string connection, Looks looks) : IDbContextFactory<WebAppDb>
    {
        public WebAppDb CreateDbContext() => new PostgreSqlDb(
            new DbContextOptionsBuilder<PostgreSqlDb>().UseNpgsql(connection).AddInterceptors(looks).Options);
    }

    /// <summary>Counts the looks at the database's clock, and can answer for it.</summary>
    private sealed class Looks : DbCommandInterceptor
    {
        private readonly Gate asked = new();

        public int Count => asked.Count;

        public Func<DateTimeOffset>? Look { get; set; }

        public Exception? Fault { get; set; }

        public Task CountedAsync(int count) => asked.ArrivedAsync(count);

        public override ValueTask<InterceptionResult<DbDataReader>> ReaderExecutingAsync(
            DbCommand command, CommandEventData eventData, InterceptionResult<DbDataReader> result, CancellationToken cancellationToken = default)
        {
            _ = asked.PassAsync();
            if (Fault is { } fault)
            {
                throw fault;
            }

            if (Look is { } look)
            {
                command.CommandText = $"SELECT {look().ToUnixTimeMilliseconds()}::bigint AS \"Value\"";
            }

            return ValueTask.FromResult(result);
        }
    }
}
