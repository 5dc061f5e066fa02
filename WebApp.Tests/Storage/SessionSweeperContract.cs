using Microsoft.EntityFrameworkCore;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Storage;

public sealed class SessionSweeperOnSqliteTests() : SessionSweeperContract(postgres: null);

public sealed class SessionSweeperOnPostgresTests(SharedPostgres postgres) : SessionSweeperContract(postgres);

/// <summary>Scenario 39: only what no token can bring back is deleted, a little at a time.</summary>
public abstract class SessionSweeperContract(SharedPostgres? postgres) : IAsyncLifetime
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);

    private Store store = null!;

    private DateTimeOffset Now => store.Time.GetUtcNow();

    public async ValueTask InitializeAsync() => store = await Store.OpenAsync(postgres: postgres);

    public async ValueTask DisposeAsync()
    {
        await store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    public async Task A_session_past_its_absolute_limit_is_kept_for_a_day(int millisecondsMore, int deleted)
    {
        await AddAsync(row => row.ExpiresAt = Now - Day - (millisecondsMore * Millisecond));

        Assert.Equal(deleted, await SweepAsync());
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    public async Task A_session_past_its_idle_limit_is_kept_for_a_day(int millisecondsMore, int deleted)
    {
        await AddAsync(row => row.LastUsedAt = Now - store.Options.IdleTimeout - Day - (millisecondsMore * Millisecond));

        Assert.Equal(deleted, await SweepAsync());
    }

    /// <summary>Its row is what tells a copy from a race, and the person why.</summary>
    [Fact]
    public async Task A_session_that_was_ended_is_kept_until_its_limits()
    {
        await AddAsync(row => (row.RevokedAt, row.RevokedReason) = (Now - Day - Day, "reuse"));

        Assert.Equal(0, await SweepAsync());
    }

    [Fact]
    public async Task One_sweep_deletes_one_batch_at_most_and_what_is_due_first()
    {
        await AddAsync(row => row.ExpiresAt = Now - Day - Millisecond, SessionSweeper.BatchSize);
        await AddAsync(row => row.LastUsedAt = The.Beginning.AddDays(-20), 100);
        await AddAsync(_ => { }, 10);

        Assert.Equal(SessionSweeper.BatchSize, await SweepAsync());
        Assert.Equal(100, await SweepAsync());
        Assert.Equal(0, await SweepAsync());
        Assert.Equal(10, await CountAsync());
    }

    [Fact]
    public async Task A_batch_is_made_up_of_both_kinds()
    {
        await AddAsync(row => row.ExpiresAt = Now - Day - Millisecond, SessionSweeper.BatchSize - 10);
        await AddAsync(row => row.LastUsedAt = The.Beginning.AddDays(-20), 15);

        Assert.Equal(SessionSweeper.BatchSize, await SweepAsync());
        Assert.Equal(5, await CountAsync());
    }

    /// <summary>A refresh that waits for the database gets its turn between two batches, and not after the last.</summary>
    [Fact]
    public async Task Between_two_batches_there_is_a_pause()
    {
        await AddAsync(row => row.ExpiresAt = Now - Day - Day, (2 * SessionSweeper.BatchSize) + 1);
        await store.StartAsync<SessionSweeper>();
        await store.Time.TickersAsync(1);
        store.Time.Advance(TimeSpan.FromHours(1));

        for (var pause = 1; pause <= 2; pause++)
        {
            await store.Time.WaitsAsync(pause);
            Assert.Equal((2 * SessionSweeper.BatchSize) + 1 - (pause * SessionSweeper.BatchSize), await CountAsync());
            store.Time.Advance(SessionSweeper.Pause);
        }

        await store.Logs.HeardAsync(LogEvents.Swept);
        var gate = store.Probe.Hold(Sql.ReadDue);
        store.Time.Advance(TimeSpan.FromHours(1));
        await gate.Arrived;
        Assert.Equal(0, await CountAsync());
        store.Probe.StopHolding(Sql.ReadDue);
        var swept = Assert.Single(store.Logs.Entries, entry => entry.Event.Id == LogEvents.Swept);
        Assert.Contains("1001", swept.Text);
    }

    [Fact]
    public async Task A_sweep_that_met_a_fault_is_made_up_for_by_the_next()
    {
        await AddAsync(row => row.ExpiresAt = Now - Day - Day);
        store.Probe.FailBefore(Sql.Sweep, times: 1);
        await store.StartAsync<SessionSweeper>();
        await store.Time.TickersAsync(1);
        for (var hour = 0; hour < 3; hour++)
        {
            store.Probe.StopHolding(Sql.ReadDue);
            var gate = store.Probe.Hold(Sql.ReadDue);
            store.Time.Advance(TimeSpan.FromHours(1));
            await gate.Arrived;
        }

        store.Probe.StopHolding(Sql.ReadDue);
        Assert.Contains(store.Logs.Entries, entry => entry.Event.Id == LogEvents.SweepFailed);
        Assert.Equal(0, await CountAsync());
    }

    private Task<int> SweepAsync() => store.Get<SessionSweeper>().SweepOnceAsync(CancellationToken.None);

    private Task<int> CountAsync() => store.InDatabaseAsync(db => db.Sessions.CountAsync());

    /// <summary>Living sessions, but for what is changed.</summary>
    private Task<int> AddAsync(Action<SessionRow> change, int count = 1) => store.InDatabaseAsync(async db =>
    {
        for (var index = 0; index < count; index++)
        {
            var row = new SessionRow
            {
                Id = Guid.NewGuid(),
                UserId = "u",
                SecurityStamp = "stamp",
                RotatedAt = Now,
                LastUsedAt = Now,
                CreatedAt = Now,
                ExpiresAt = Now.AddDays(1),
                UserAgent = "",
                IpAddress = "",
            };
            change(row);
            db.Sessions.Add(row);
        }

        return await db.SaveChangesAsync();
    });
}
