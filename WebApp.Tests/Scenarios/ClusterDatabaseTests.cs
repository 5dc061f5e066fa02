using System.Net;
using Microsoft.EntityFrameworkCore;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>
/// Scenarios 23 to 25 with real processes: whatever PostgreSQL, or the way to it, does, nobody is signed out and no expiry costs
/// more than one generation.
/// </summary>
[Collection(nameof(Clusters))]
public sealed class ClusterDatabaseTests(ClusterDatabaseTests.TwoNodes shared, ITestOutputHelper output)
    : IClassFixture<ClusterDatabaseTests.TwoNodes>, IAsyncLifetime
{
    /// <summary>A rotation locks its row first, then waits for one lock, then for another.</summary>
    private const string Tangle = """
        CREATE FUNCTION tangle() RETURNS trigger AS $$ BEGIN
            PERFORM pg_advisory_xact_lock(1);
            PERFORM pg_advisory_xact_lock(2);
            RETURN NEW;
        END $$ LANGUAGE plpgsql;
        CREATE TRIGGER tangle BEFORE UPDATE OF "Generation" ON "Sessions" FOR EACH ROW EXECUTE FUNCTION tangle();
        """;

    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(1);

    /// <summary>How long the driver waits for an answer to its asking that a statement be ended (Npgsql, "Cancellation Timeout").</summary>
    private static readonly TimeSpan GivingUp = TimeSpan.FromSeconds(2);

    private GatedCluster gated = null!;

    private Cluster Cluster => gated.Cluster;

    public async ValueTask InitializeAsync() => gated = await shared.StartedAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Scenario 23.</summary>
    [Fact]
    public async Task While_PostgreSQL_is_dead_access_tokens_go_on_at_every_node_and_refreshes_are_put_off()
    {
        var fresh = await gated.PersonAsync(0);
        var (stale, session) = await gated.ExpiredAsync();
        await Cluster.Postgres.KillAsync();

        foreach (var client in gated.Clients)
        {
            await AssertServedAsync(fresh.Twin(client));
            await AssertPutOffAsync(stale.Twin(client));

            // A page for all is shown as to nobody.
            var open = await stale.Twin(client).LoadAsync("/");
            Assert.Equal((HttpStatusCode.OK, false), (open.Status, open.TouchesTokens));
        }

        await Cluster.Postgres.RestartAsync();
        Assert.Equal(0, (await Cluster.SessionAsync(session)).Generation);
        var answer = await stale.LoadAsync();
        Assert.Equal((HttpStatusCode.OK, true, 1), (answer.Status, answer.Rotated, answer.Pair?.Generation));
        await gated.AssertGoesOnAsync(stale, generation: 1);
        await gated.AssertGoesOnAsync(fresh, generation: 0);
    }

    /// <summary>Scenario 23: connections stand, and nothing comes back.</summary>
    [Fact]
    public async Task While_PostgreSQL_is_frozen_access_tokens_go_on_at_every_node_and_refreshes_are_put_off_in_bounded_time()
    {
        var fresh = await gated.PersonAsync(0);
        var (stale, session) = await gated.ExpiredAsync();
        await Cluster.Postgres.FreezeAsync();
        var started = The.WallClock.GetTimestamp();
        TimeSpan took;
        try
        {
            var putOff = gated.Clients.Select(client => AssertPutOffAsync(stale.Twin(client))).ToList();
            foreach (var client in gated.Clients)
            {
                await AssertServedAsync(fresh.Twin(client));
            }

            await Task.WhenAll(putOff);
            took = The.WallClock.GetElapsedTime(started);
        }
        finally
        {
            await Cluster.Postgres.ThawAsync();
        }

        output.WriteLine($"Put off after {took.TotalSeconds:0.0} s.");
        Assert.InRange(took, TimeSpan.Zero, Wait + Lease + GivingUp + TimeSpan.FromSeconds(5));
        var answer = await stale.LoadAsync();
        Assert.Equal((HttpStatusCode.OK, 1), (answer.Status, answer.Pair?.Generation));
        Assert.Equal(1, (await Cluster.SessionAsync(session)).Generation);
        await gated.AssertGoesOnAsync(stale, generation: 1);
        await gated.AssertGoesOnAsync(fresh, generation: 0);
    }

    /// <summary>Scenario 24: the statement was carried out, and the node cannot know.</summary>
    [Fact]
    public async Task A_connection_cut_after_the_rotation_was_committed_is_settled_by_asking_again_which_replays()
    {
        var (person, session) = await gated.ExpiredAsync();
        var held = gated.ToDatabase[0].HoldAnswer(OnTheWire.Rotation);
        var load = person.LoadAsync();
        await held.Arrived;
        Assert.Equal(1, (await Cluster.SessionAsync(session)).Generation);

        gated.ToDatabase[0].Cut();
        var answer = await load;

        Assert.Equal((HttpStatusCode.OK, true, 1), (answer.Status, answer.Replayed, answer.Pair?.Generation));
        await gated.AssertGoesOnAsync(person, generation: 1);
    }

    /// <summary>Scenario 24: the statement never arrived, and the node cannot know that either.</summary>
    [Fact]
    public async Task A_connection_cut_before_the_rotation_arrived_is_settled_by_asking_again_which_rotates()
    {
        var (person, session) = await gated.ExpiredAsync();
        var held = gated.ToDatabase[0].Hold(OnTheWire.Rotation);
        var load = person.LoadAsync();
        await held.Arrived;
        Assert.Equal(0, (await Cluster.SessionAsync(session)).Generation);

        gated.ToDatabase[0].Cut();
        var answer = await load;

        Assert.Equal((HttpStatusCode.OK, true, 1), (answer.Status, answer.Rotated, answer.Pair?.Generation));
        await gated.AssertGoesOnAsync(person, generation: 1);
    }

    /// <summary>Scenario 25.</summary>
    [Fact]
    public async Task A_rotation_that_PostgreSQL_ends_over_a_deadlock_is_tried_again_within_the_request()
    {
        var (person, session) = await gated.ExpiredAsync();
        var deadlock = Cluster.Nodes[0].Watch("deadlock detected");
        await ExecuteAsync(Tangle);
        var answer = await Cluster.InDatabaseAsync(gate => Cluster.InDatabaseAsync(async rival =>
        {
            await using var closed = await gate.Database.BeginTransactionAsync();
            await gate.Database.ExecuteSqlRawAsync("SELECT pg_advisory_xact_lock(1)");
            await using var transaction = await rival.Database.BeginTransactionAsync();
            await rival.Database.ExecuteSqlRawAsync("SET LOCAL deadlock_timeout = '1min'; SELECT pg_advisory_xact_lock(2)");

            // The rotation has its row and waits at the gate; the rival has the second lock and waits for the row.
            var load = person.LoadAsync();
            await WaitersAsync(1);
            var update = rival.Database.ExecuteSqlAsync(
                $"""UPDATE "Sessions" SET "UserAgent" = "UserAgent" WHERE "Id" = {session.Session}""");
            await WaitersAsync(2);

            // The rotation goes on to the second lock: now each waits for the other, and the rotation is the first to notice.
            await closed.CommitAsync();
            await deadlock.Arrived;
            await update;
            await transaction.CommitAsync();
            return await load;
        }));
        await ExecuteAsync("DROP TRIGGER tangle ON \"Sessions\"; DROP FUNCTION tangle");

        Assert.Equal((HttpStatusCode.OK, true, 1), (answer.Status, answer.Rotated, answer.Pair?.Generation));
        await gated.AssertGoesOnAsync(person, generation: 1);
    }

    private static async Task AssertServedAsync(Person person)
    {
        var answer = await person.FetchAsync();
        Assert.Equal((HttpStatusCode.OK, false), (answer.Status, answer.TouchesTokens));
    }

    /// <summary>A page and a program are told to come again, and no cookie is touched.</summary>
    private static async Task AssertPutOffAsync(Person person)
    {
        var answers = await Task.WhenAll(person.LoadAsync(), person.FetchAsync());
        Assert.All(answers, answer =>
            Assert.Equal((HttpStatusCode.ServiceUnavailable, false), (answer.Status, answer.TouchesTokens)));
        Assert.All(answers, answer => Assert.NotNull(answer.RetryAfter));
    }

    private Task<int> ExecuteAsync(string statements) =>
        Cluster.InDatabaseAsync(db => db.Database.ExecuteSqlRawAsync(statements));

    /// <summary>Completes once so many wait for a lock in the database.</summary>
    private Task WaitersAsync(int count) => Waiting.UntilAsync(() => Cluster.InDatabaseAsync(async db =>
        await db.Database.SqlQuery<int>($"""SELECT count(*)::int AS "Value" FROM pg_locks WHERE NOT granted""").SingleAsync() == count));

    /// <summary>A refresh ends after five seconds, whatever becomes of it.</summary>
    public sealed class TwoNodes() : SharedCluster(() => GatedCluster.StartAsync(
        2, (_, _) => [], ("Sessions:LockLease", Lease.ToString()), ("Sessions:LockWait", Wait.ToString())));
}
