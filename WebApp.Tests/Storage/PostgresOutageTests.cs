using Microsoft.EntityFrameworkCore;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Storage;

/// <summary>
/// A real PostgreSQL behind a network that breaks: nothing is refused, nothing is burned, and nobody waits for long (scenarios 23
/// and 24).
/// </summary>
public sealed class PostgresOutageTests(SharedPostgres postgres) : IAsyncLifetime
{
    /// <summary>With the end of the message: a transaction begins as one that is READ COMMITTED.</summary>
    private const string Commit = "COMMIT\0";

    private PostgresServer server = null!;
    private string database = null!;
    private TcpProxy network = null!;
    private Store store = null!;
    private RefreshToken token = null!;

    public async ValueTask InitializeAsync()
    {
        server = await postgres.ServerAsync();
        database = await server.CreateDatabaseAsync();
        network = TcpProxy.To(server.Port);
        await OpenAsync("");
    }

    public async ValueTask DisposeAsync()
    {
        network.Release();
        await store.DisposeAsync();
        await network.DisposeAsync();
    }

    [Fact]
    public async Task A_rotation_that_never_arrived_is_sent_again()
    {
        var cut = CutAtAsync(network.Hold(OnTheWire.Rotation));

        Assert.Equal((RotationStatus.Rotated, 1), await JudgeAsync());
        await cut;
        Assert.Equal(1, Faults);
    }

    /// <summary>Scenario 24: the row has moved, and nobody was told.</summary>
    [Fact]
    public async Task A_rotation_whose_answer_is_lost_is_replayed()
    {
        var cut = CutAtAsync(network.HoldAnswer(OnTheWire.Rotation));

        Assert.Equal((RotationStatus.Replayed, 1), await JudgeAsync());
        await cut;
        Assert.Equal((1, 1), (Faults, (await store.RowAsync(token.Session)).Generation));
    }

    /// <summary>Scenario 24: it is carried out when nobody is there any more to hear of it, with the next one waiting behind it.</summary>
    [Fact]
    public async Task A_rotation_whose_connection_is_cut_behind_it_ends_with_its_successor()
    {
        await using var db = store.OpenDatabase();
        await using var transaction = await db.Database.BeginTransactionAsync();
        await db.Database.ExecuteSqlAsync($"""SELECT 1 FROM "Sessions" WHERE "Id" = {token.Session.Value} FOR UPDATE""");
        var judging = JudgeAsync();
        await WaitersAsync(1);

        network.Cut();
        await WaitersAsync(2);
        await transaction.RollbackAsync();

        Assert.Equal((RotationStatus.Replayed, 1), await judging);
        Assert.Equal((1, 1), (Faults, (await store.RowAsync(token.Session)).Generation));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reuse_is_recorded_once_whether_its_commit_or_its_answer_is_lost(bool committed)
    {
        await store.ChangeAsync(token.Session, row => row.Generation = 2);
        var cut = CutAtAsync(committed ? network.HoldAnswer(Commit) : network.Hold(Commit));

        var verdict = await store.JudgeAsync(token);

        await cut;
        Assert.Equal((RotationStatus.Rejected, RefusalReason.Reuse), (verdict.Status, verdict.Reason));
        Assert.Single(await store.EventsAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_sign_out_ends_the_session_whether_it_or_its_answer_is_lost(bool ended)
    {
        var cut = CutAtAsync(ended ? network.HoldAnswer(OnTheWire.Revocation) : network.Hold(OnTheWire.Revocation));

        await store.RevokeAsync(token.Session);

        await cut;
        Assert.NotNull((await store.RowAsync(token.Session)).RevokedAt);
        Assert.Equal(RefusalReason.Revoked, store.Get<RevokedSessions>().ReasonFor(token.Session));
    }

    /// <summary>A commit whose answer is lost leaves one more row, and it is nobody's.</summary>
    [Theory]
    [InlineData(true, 2)]
    [InlineData(false, 1)]
    public async Task A_sign_in_succeeds_whether_its_commit_or_its_answer_is_lost(bool committed, int rows)
    {
        var account = await store.OpenAccountAsync();
        var proof = new AccountProof(new UserId(account.Id), account.SecurityStamp!);
        var cut = CutAtAsync(committed ? network.HoldAnswer(Commit) : network.Hold(Commit));

        var grant = await store.OpenSessionAsync(proof);

        await cut;
        Assert.NotNull(await store.RowAsync(grant!.Session));
        Assert.Equal(rows, await store.InDatabaseAsync(db => db.Sessions.CountAsync(row => row.UserId == account.Id)));
    }

    /// <summary>What a fail-over leaves: a pool full of connections of which none lives.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_pool_of_dead_connections_does_not_use_up_the_attempts(bool byServer)
    {
        await WarmAsync(connections: 10);

        if (byServer)
        {
            await server.CutConnectionsAsync(database);
        }
        else
        {
            network.Cut();
        }

        Assert.Equal((RotationStatus.Rotated, 1), await JudgeAsync());
        Assert.InRange(Faults, 0, 1);
    }

    [Fact]
    public async Task A_network_that_is_down_is_told_at_once_and_all_goes_on_when_it_is_back()
    {
        await WarmAsync(connections: 10);
        network.IsDown = true;
        Assert.Same(RotationVerdict.Unavailable, await store.JudgeAsync(token));

        network.IsDown = false;
        Assert.Equal((RotationStatus.Rotated, 1), await JudgeAsync());
    }

    /// <summary>A server that is frozen, or a cable that is pulled out: the refresh ends by its own deadline, and soon.</summary>
    [Fact]
    public async Task A_database_that_falls_silent_is_given_up_at_the_deadline_and_burns_nothing()
    {
        network.Hold();
        var started = The.WallClock.GetTimestamp();
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(1), The.WallClock);

        Assert.Same(RotationVerdict.Unavailable, await store.JudgeUntilAsync(token, deadline.Token).InTime());

        // The system's timers count in ticks of some milliseconds, and may be one early.
        Assert.InRange(The.WallClock.GetElapsedTime(started), TimeSpan.FromSeconds(0.95), TimeSpan.FromSeconds(5));
        network.Release();
        Assert.Contains(await JudgeAsync(), new[] { (RotationStatus.Rotated, 1), (RotationStatus.Replayed, 1) });
    }

    [Fact]
    public async Task A_database_that_falls_silent_is_given_up_by_its_own_bounds_without_a_deadline()
    {
        await ReopenAsync("Command Timeout=1;Timeout=1");
        network.Hold();

        Assert.Same(RotationVerdict.Unavailable, await store.JudgeAsync(token).InTime());

        network.Release();
        Assert.Contains(await JudgeAsync(), new[] { (RotationStatus.Rotated, 1), (RotationStatus.Replayed, 1) });
    }

    [Fact]
    public async Task When_all_connections_are_taken_a_refresh_is_put_off_and_not_refused()
    {
        await ReopenAsync("Maximum Pool Size=2;Timeout=1");
        var others = new[] { await store.SignInAsync(), await store.SignInAsync() };
        var gate = store.Probe.Hold(DatabaseProbe.Rotation);
        var holding = others.Select(other => Task.Run(() => store.JudgeAsync(other))).ToList();
        await gate.ArrivedAsync(2);

        Assert.Same(RotationVerdict.Unavailable, await store.JudgeAsync(token).InTime());

        store.Probe.StopHolding(DatabaseProbe.Rotation);
        Assert.All(await Task.WhenAll(holding).InTime(), verdict => Assert.Equal(RotationStatus.Rotated, verdict.Status));
        Assert.Equal((RotationStatus.Rotated, 1), await JudgeAsync());
    }

    private int Faults => store.Logs.Entries.Count(entry => entry.Event.Id == LogEvents.DatabaseAway);

    /// <summary>Breaks the connection on which the site has come so far.</summary>
    private async Task CutAtAsync(Gate held)
    {
        await held.Arrived;
        network.Cut();
    }

    /// <summary>Completes once so many statements wait in the database for a lock.</summary>
    private Task WaitersAsync(int count) => Waiting.UntilAsync(() => store.InDatabaseAsync(async db =>
        await db.Database.SqlQuery<int>($"""
            SELECT count(*)::int AS "Value" FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
            """).SingleAsync() == count));

    private async Task<(RotationStatus Status, int Generation)> JudgeAsync()
    {
        var verdict = await store.JudgeAsync(token).InTime();
        return (verdict.Status, verdict.Grant?.Generation.Value ?? -1);
    }

    /// <summary>Leaves so many connections in the pool.</summary>
    private async Task WarmAsync(int connections)
    {
        var gate = store.Probe.Hold(Sql.ReadRevoked);
        var reading = Enumerable.Range(0, connections)
            .Select(_ => Task.Run(() => store.Get<ISessionRows>().RevokedSinceAsync(The.Beginning, CancellationToken.None)))
            .ToList();
        await gate.ArrivedAsync(connections);
        store.Probe.StopHolding(Sql.ReadRevoked);
        await Task.WhenAll(reading).InTime();
        Assert.InRange(network.Connections, connections, int.MaxValue);
    }

    private async Task ReopenAsync(string settings)
    {
        await store.DisposeAsync();
        await OpenAsync(settings);
    }

    private async Task OpenAsync(string settings)
    {
        // A connection that is used again would ask to be reset first, and hear of that before it hears of its statement.
        store = Store.On(new PostgresDatabase(database, $"Port={network.Port};No Reset On Close=true;{settings}"));
        token = await store.SignInAsync();
    }
}
