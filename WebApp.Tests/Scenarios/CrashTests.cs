using System.Net;
using Microsoft.EntityFrameworkCore;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>
/// Scenarios 4, 5 and 13 to 16: nodes that are killed, frozen or restarted in the middle of a refresh. What a statement does on
/// its way to PostgreSQL is held at the moment that a test is about.
/// </summary>
[Collection(nameof(Clusters))]
public sealed class CrashTests(CrashTests.TwoNodes shared) : IClassFixture<CrashTests.TwoNodes>, IAsyncLifetime
{
    private const string Lease = "Sessions:LockLease";

    private static readonly TimeSpan ShortLease = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(5);

    private GatedCluster gated = null!;

    private Cluster Cluster => gated.Cluster;

    private BuiltSite First => Cluster.Nodes[0];

    public async ValueTask InitializeAsync() => gated = await shared.StartedAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Scenario 13, before.</summary>
    [Fact]
    public async Task A_node_killed_before_its_rotation_reaches_the_database_has_burned_nothing()
    {
        var (person, session) = await gated.ExpiredAsync();
        var elsewhere = person.Twin(gated.Clients[1]);
        var lost = await LoadAndKillAsync(person, gated.ToDatabase[0].Hold(OnTheWire.Rotation));
        Assert.True(lost.IsLost);
        Assert.Equal(0, (await Cluster.SessionAsync(session)).Generation);

        var answer = await elsewhere.LoadAsync();

        Assert.Equal((HttpStatusCode.OK, true, 1), (answer.Status, answer.Rotated, answer.Pair?.Generation));
        await Cluster.RestartAsync(0);
        await gated.AssertGoesOnAsync(elsewhere, generation: 1);
    }

    /// <summary>Scenario 13, during: the statement waits inside PostgreSQL when its node dies, and is carried out all the same.</summary>
    [Fact]
    public async Task A_rotation_that_is_carried_out_after_its_node_was_killed_is_replayed()
    {
        var (person, session) = await gated.ExpiredAsync();
        var elsewhere = person.Twin(gated.Clients[1]);
        var lost = await Cluster.InDatabaseAsync(async db =>
        {
            await using var transaction = await db.Database.BeginTransactionAsync();
            await db.Database.ExecuteSqlAsync($"""SELECT 1 FROM "Sessions" WHERE "Id" = {session.Session} FOR UPDATE""");
            var load = person.LoadAsync();
            await SomebodyWaitsInTheDatabaseAsync();
            await gated.KillAsync(0);
            return await load;
        });
        Assert.True(lost.IsLost);
        await Waiting.UntilAsync(async () => (await Cluster.SessionAsync(session)).Generation == 1);

        var answer = await elsewhere.LoadAsync();

        Assert.Equal((HttpStatusCode.OK, true, 1), (answer.Status, answer.Replayed, answer.Pair?.Generation));
        await Cluster.RestartAsync(0);
        await gated.AssertGoesOnAsync(elsewhere, generation: 1);
    }

    /// <summary>Scenario 13, after: the database has answered, and the node never hears it.</summary>
    [Fact]
    public async Task A_rotation_whose_node_was_killed_before_it_heard_of_the_commit_is_replayed()
    {
        var (person, session) = await gated.ExpiredAsync();
        var elsewhere = person.Twin(gated.Clients[1]);
        var lost = await LoadAndKillAsync(person, gated.ToDatabase[0].HoldAnswer(OnTheWire.Rotation));
        Assert.True(lost.IsLost);
        Assert.Equal(1, (await Cluster.SessionAsync(session)).Generation);

        var answer = await elsewhere.LoadAsync();

        Assert.Equal((HttpStatusCode.OK, true, 1), (answer.Status, answer.Replayed, answer.Pair?.Generation));
        await Cluster.RestartAsync(0);
        await gated.AssertGoesOnAsync(elsewhere, generation: 1);
    }

    /// <summary>Scenario 13, before Set-Cookie: the pair is made, the lock is given back, and the page is not ready yet.</summary>
    [Fact]
    public async Task A_rotation_whose_node_was_killed_before_it_set_the_cookies_is_replayed()
    {
        var (person, session) = await gated.ExpiredAsync();
        var elsewhere = person.Twin(gated.Clients[1]);
        var lost = await LoadAndKillAsync(person, gated.ToDatabase[0].Hold(OnTheWire.ReadNotes));
        Assert.True(lost.IsLost);
        Assert.Equal(1, (await Cluster.SessionAsync(session)).Generation);

        var answer = await elsewhere.LoadAsync();

        Assert.Equal((HttpStatusCode.OK, true, 1), (answer.Status, answer.Replayed, answer.Pair?.Generation));
        await Cluster.RestartAsync(0);
        await gated.AssertGoesOnAsync(elsewhere, generation: 1);
    }

    /// <summary>Scenario 14.</summary>
    [Fact]
    public async Task Who_waits_for_a_holder_that_is_killed_goes_on_when_its_lease_has_ended()
    {
        var (person, session) = await gated.ExpiredAsync();
        var elsewhere = person.Twin(gated.Clients[1]);
        var theLock = await Cluster.Redis.WatchAsync(await gated.LockOfAsync(session));
        var waits = gated.ToRedis[1].Watch(OnTheWire.Subscription);
        var held = gated.ToDatabase[0].Hold(OnTheWire.Rotation);

        var lost = person.LoadAsync();
        await held.Arrived;
        var waiting = elsewhere.LoadAsync();
        await waits.Arrived;
        await gated.KillAsync(0);
        var answer = await waiting;

        Assert.True((await lost).IsLost);
        Assert.Equal((HttpStatusCode.OK, true, 1), (answer.Status, answer.Rotated, answer.Pair?.Generation));
        await theLock.UntilAsync("expired");
        await theLock.UntilAsync("set");
        await Cluster.RestartAsync(0);
        await gated.AssertGoesOnAsync(elsewhere, generation: 1);
    }

    /// <summary>Scenario 14, at the latest: the lease of the dead is longer than anybody waits.</summary>
    [Fact]
    public async Task Who_waits_for_a_holder_that_is_killed_goes_on_after_the_bounded_wait_at_the_latest()
    {
        await First.StopAsync();
        await Cluster.RestartAsync(0, (Lease, "00:01:00"));
        var (person, session) = await gated.ExpiredAsync();
        var elsewhere = person.Twin(gated.Clients[1]);
        var lost = await LoadAndKillAsync(person, gated.ToDatabase[0].Hold(OnTheWire.Rotation));
        Assert.True(lost.IsLost);
        var started = The.WallClock.GetTimestamp();

        var answer = await elsewhere.LoadAsync();

        Assert.InRange(The.WallClock.GetElapsedTime(started), Wait, Wait + TimeSpan.FromSeconds(2));
        Assert.Equal((HttpStatusCode.OK, true, 1), (answer.Status, answer.Rotated, answer.Pair?.Generation));
        var theLock = await gated.LockOfAsync(session);
        Assert.Equal(1, (int)await Cluster.Redis.AskAsync("EXISTS", theLock));

        await Cluster.Redis.AskAsync("DEL", theLock);
        await Cluster.RestartAsync(0, (Lease, ShortLease.ToString()));
        await gated.AssertGoesOnAsync(elsewhere, generation: 1);
    }

    /// <summary>Scenario 15: a statement that was sent under a lock arrives when the lock has long been somebody else's.</summary>
    [Fact]
    public async Task A_late_write_of_a_holder_that_was_frozen_past_its_lease_changes_nothing()
    {
        var (person, session) = await gated.ExpiredAsync();
        var elsewhere = person.Twin(gated.Clients[1]);
        var theLock = await Cluster.Redis.WatchAsync(await gated.LockOfAsync(session));
        var held = gated.ToDatabase[0].Hold(OnTheWire.Rotation);
        var late = person.LoadAsync();
        await held.Arrived;
        await First.FreezeAsync();
        await theLock.UntilAsync("expired");

        var answer = await elsewhere.LoadAsync();
        var before = await Cluster.SessionAsync(session);
        held.Open();
        await First.ThawAsync();
        var lateAnswer = await late;

        Assert.Equal((HttpStatusCode.OK, true, 1), (answer.Status, answer.Rotated, answer.Pair?.Generation));
        Assert.Equal((HttpStatusCode.OK, true, 1), (lateAnswer.Status, lateAnswer.Replayed, lateAnswer.Pair?.Generation));
        var after = await Cluster.SessionAsync(session);
        Assert.Equal((1, before.RotatedAt), (after.Generation, after.RotatedAt));
        await gated.AssertGoesOnAsync(elsewhere, generation: 1);
    }

    /// <summary>Scenario 15: and it gives back no lock but its own.</summary>
    [Fact]
    public async Task A_holder_that_was_frozen_past_its_lease_leaves_the_lock_to_who_has_it_now()
    {
        var (person, session) = await gated.ExpiredAsync();
        var elsewhere = person.Twin(gated.Clients[1]);
        var key = await gated.LockOfAsync(session);
        var theLock = await Cluster.Redis.WatchAsync(key);
        var held = gated.ToDatabase[0].Hold(OnTheWire.Rotation);
        var late = person.LoadAsync();
        await held.Arrived;
        await First.FreezeAsync();
        await theLock.UntilAsync("expired");
        var heldElsewhere = gated.ToDatabase[1].Hold(OnTheWire.Rotation);
        var answer = elsewhere.LoadAsync();
        await heldElsewhere.Arrived;
        var owner = (string?)await Cluster.Redis.AskAsync("GET", key);

        var lost = First.Watch("A lock was lost while its work ran");
        await First.ThawAsync();
        await lost.Arrived;
        held.Open();
        var lateAnswer = await late;

        Assert.NotNull(owner);
        Assert.Equal(owner, (string?)await Cluster.Redis.AskAsync("GET", key));
        heldElsewhere.Open();
        Assert.Equal((HttpStatusCode.OK, true, 1), (lateAnswer.Status, lateAnswer.Rotated, lateAnswer.Pair?.Generation));
        Assert.Equal((HttpStatusCode.OK, true, 1), ((await answer).Status, (await answer).Replayed, (await answer).Pair?.Generation));
        await gated.AssertGoesOnAsync(elsewhere, generation: 1);
    }

    /// <summary>Scenario 16.</summary>
    [Fact]
    public async Task The_lease_of_a_refresh_that_is_slower_than_it_is_renewed()
    {
        var (person, session) = await gated.ExpiredAsync();
        var elsewhere = person.Twin(gated.Clients[1]);
        var theLock = await Cluster.Redis.WatchAsync(await gated.LockOfAsync(session));
        var held = gated.ToDatabase[0].Hold(OnTheWire.Rotation);
        var slow = person.LoadAsync();
        await held.Arrived;
        var waiting = elsewhere.LoadAsync();

        // Renewed every third of the lease: with the fourth renewal more than one lease has passed.
        List<string> happened = [];
        while (happened.Count(each => each == "expire") < 5)
        {
            happened.Add(await theLock.NextAsync());
        }

        held.Open();
        var answer = await slow;
        var waited = await waiting;

        Assert.Equal(1, happened.Count(each => each == "set"));
        Assert.DoesNotContain("expired", happened);
        Assert.Equal((HttpStatusCode.OK, true, 1), (answer.Status, answer.Rotated, answer.Pair?.Generation));
        Assert.Equal((HttpStatusCode.OK, true, 1), (waited.Status, waited.Replayed, waited.Pair?.Generation));
        await gated.AssertGoesOnAsync(person, generation: 1);
    }

    /// <summary>Scenarios 4 and 5: a reload in mid-refresh, an answer that never arrived, and a restart of everything in between.</summary>
    [Fact]
    public async Task What_was_lost_before_all_nodes_were_restarted_is_made_good_for_one_tab_and_for_twenty()
    {
        var (one, oneSession) = await gated.ExpiredAsync();
        await LoseAsync(one, oneSession, OnTheWire.Rotation);
        var (twenty, twentySession) = await gated.ExpiredAsync();
        await LoseAsync(twenty, twentySession, OnTheWire.ReadNotes);
        for (var node = 0; node < Cluster.Nodes.Count; node++)
        {
            await Cluster.Nodes[node].StopAsync();
            await Cluster.RestartAsync(node);
        }

        var answer = await one.LoadAsync();
        var tabs = Enumerable.Range(0, 20).Select(tab => twenty.Twin(gated.Clients[tab % 2])).ToList();
        var first = await tabs[0].LoadAsync();
        await tabs[0].LoadAsync();
        await Waiting.UntilAsync(async () => (await Cluster.SessionAsync(twentySession)).SeenAt is not null);
        var others = await Task.WhenAll(tabs.Skip(1).Select(tab => Task.Run(() => tab.LoadAsync())));

        Assert.All([answer, first, .. others], each =>
            Assert.Equal((HttpStatusCode.OK, true, 1), (each.Status, each.Replayed, each.Pair?.Generation)));
        await gated.AssertGoesOnAsync(one, generation: 1);
        await gated.AssertGoesOnAsync(tabs[^1], generation: 1);
    }

    private async Task<Answer> LoadAndKillAsync(Person person, Gate held)
    {
        var load = person.LoadAsync();
        await held.Arrived;
        await gated.KillAsync(0);
        return await load;
    }

    /// <summary>Leaves in the middle of a load, whose rotation goes on without its person.</summary>
    private async Task LoseAsync(Person person, CookiePair session, string at)
    {
        using var tab = new CancellationTokenSource();
        var held = gated.ToDatabase[0].Hold(at);
        var load = person.LoadAsync(aborted: tab.Token);
        await held.Arrived;
        await tab.CancelAsync();
        Assert.True((await load).IsLost);
        held.Open();
        await Waiting.UntilAsync(async () => (await Cluster.SessionAsync(session)).Generation == 1);
    }

    private Task SomebodyWaitsInTheDatabaseAsync() => Waiting.UntilAsync(() => Cluster.InDatabaseAsync(db =>
        db.Database.SqlQuery<bool>($"""SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted) AS "Value" """).SingleAsync()));

    /// <summary>A lease on the first node that ends sooner than the second one's patience.</summary>
    public sealed class TwoNodes() : SharedCluster(() => GatedCluster.StartAsync(
        2, (_, node) => node == 0 ? [(Lease, ShortLease.ToString())] : [("Sessions:LockWait", Wait.ToString())]));
}
