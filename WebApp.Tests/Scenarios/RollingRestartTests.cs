using System.Collections.Concurrent;
using System.Net;
using Microsoft.EntityFrameworkCore;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>Scenarios 12, 18 and 19: three nodes that end, orderly or not, and come back while people go on.</summary>
[Collection(nameof(Clusters))]
public sealed class RollingRestartTests(RollingRestartTests.Nodes nodes, ITestOutputHelper output) : IClassFixture<RollingRestartTests.Nodes>
{
    private const int Tabs = 20;

    /// <summary>The exit code of a process that was ended by SIGKILL.</summary>
    private const int Killed = 137;

    private const string ShuttingDown = "Application is shutting down";

    /// <summary>What people leave between two things that they do, so that a node that starts has a processor too.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>How long a refresh waits for a lock. Nobody waits so long for the lock of a node that was killed.</summary>
    private static readonly TimeSpan LockWait = TimeSpan.FromSeconds(5);

    /// <summary>A node has this long to end. Its host would give up after 30 s.</summary>
    private static readonly TimeSpan OrderlyEnd = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Twenty_tabs_restored_after_sleep_rotate_once()
    {
        var cluster = await nodes.StartedAsync();
        var person = await cluster.Cluster.PersonAsync();

        // Scenario 12.
        person.DropAccessToken();
        var answers = await RestoreAsync(cluster, person, [.. cluster.ToDatabase.Select(way => way.Hold(OnTheWire.Rotation))]);

        // Whoever shared the flight of the rotation says that it rotated.
        Assert.Contains(answers, answer => answer.Rotated);
        Assert.Contains(answers, answer => answer.Replayed);
        await cluster.AssertRefreshesAsync(person, generation: 1);
    }

    [Fact]
    public async Task Twenty_tabs_restored_after_a_lost_response_and_a_deployment_are_replayed()
    {
        var cluster = await nodes.StartedAsync();
        var person = await cluster.Cluster.PersonAsync();
        person.DropAccessToken();
        var unheard = person.Twin();
        Assert.True((await unheard.LoadAsync()).Rotated);
        await cluster.ChangeAsync(unheard, row => row.RotatedAt -= TimeSpan.FromHours(1));
        await Task.WhenAll(Enumerable.Range(0, cluster.Cluster.Nodes.Count).Select(async node =>
        {
            Assert.Equal(0, await cluster.Cluster.Nodes[node].StopAsync());
            await cluster.Cluster.RestartAsync(node);
        }));

        // Scenarios 5 and 12.
        var answers = await RestoreAsync(cluster, person, []);

        Assert.All(answers, answer => Assert.True(answer.Replayed));
        await cluster.AssertRefreshesAsync(person, generation: 1);
    }

    /// <summary>Each ends in the middle of a form, which no balancer may ask of another node, and answers it first.</summary>
    [Fact]
    public Task Nodes_that_end_orderly_one_after_another_sign_nobody_out() => RollAsync(async (cluster, node) =>
    {
        var writer = await cluster.PersonAsync(node);
        var note = Guid.NewGuid().ToString();
        var form = cluster.ToDatabase[node].Hold(note);
        var writing = writer.AddNoteAsync(note);
        await form.Arrived;

        var ended = cluster.Cluster.Nodes[node].StopAsync();
        await cluster.Cluster.Nodes[node].SaysAsync(ShuttingDown);
        var opened = The.WallClock.GetTimestamp();
        form.Open();

        Assert.Equal("/notes", (await writing).Location);
        Assert.Equal(0, await ended);
        var took = The.WallClock.GetElapsedTime(opened);
        output.WriteLine($"Node {node} ended {took.TotalMilliseconds:0} ms after the last it had to wait for.");
        Assert.InRange(took, TimeSpan.Zero, OrderlyEnd);
    });

    /// <summary>
    /// Each dies with a lock, and with a rotation that is in the database and of which nobody has heard. Another node makes it
    /// good before the dead one is back.
    /// </summary>
    [Fact]
    public Task Nodes_that_are_killed_one_after_another_sign_nobody_out() => RollAsync(async (cluster, node) =>
    {
        var person = await cluster.PersonAsync(node);
        var session = person.Pair;
        person.DropAccessToken();
        cluster.ToDatabase[node].HoldAnswer(OnTheWire.Rotation);
        var load = person.LoadAsync();
        await Waiting.UntilAsync(async () => (await cluster.Cluster.SessionAsync(session)).Generation == 1);

        await cluster.KillAsync(node);
        Assert.Equal(Killed, await cluster.Cluster.Nodes[node].ExitAsync());
        Assert.True((await load).IsLost);
        var asked = The.WallClock.GetTimestamp();
        var answer = await person.Twin(cluster.Cluster.Client).LoadAsync();

        var took = The.WallClock.GetElapsedTime(asked);
        output.WriteLine($"What died with node {node} was made good after {took.TotalMilliseconds:0} ms.");
        Assert.Equal((HttpStatusCode.OK, true), (answer.Status, answer.Replayed));
        Assert.Equal(1, (await cluster.Cluster.SessionAsync(session)).Generation);
        Assert.InRange(took, TimeSpan.Zero, LockWait);
    });

    [Fact]
    public async Task A_node_that_ends_answers_the_refresh_that_is_under_way_first()
    {
        var cluster = await nodes.StartedAsync();
        var person = await cluster.Cluster.PersonAsync();
        person.DropAccessToken();
        var (there, elsewhere) = (cluster.At(person, 0), cluster.At(person, 1));
        var rotation = cluster.ToDatabase[0].Hold(OnTheWire.Rotation);
        var first = there.LoadAsync();
        await rotation.Arrived;
        var waiting = elsewhere.LoadAsync();

        // Scenario 19: the first holds the lock and the statement is under way; the other waits for it.
        var ended = cluster.Cluster.Nodes[0].StopAsync();
        await cluster.Cluster.Nodes[0].SaysAsync(ShuttingDown);
        Assert.False(first.IsCompleted);
        Assert.False(waiting.IsCompleted);
        var opened = The.WallClock.GetTimestamp();
        rotation.Open();

        Assert.True((await first).Rotated);
        Assert.True((await waiting).Replayed);
        Assert.Equal(there.Pair.Generation, elsewhere.Pair.Generation);
        Assert.Equal(0, await ended);
        Assert.InRange(The.WallClock.GetElapsedTime(opened), TimeSpan.Zero, OrderlyEnd);
        await cluster.Cluster.RestartAsync(0);
        await cluster.AssertRefreshesAsync(there, generation: 1);
    }

    [Fact]
    public async Task A_node_whose_refresh_never_ends_answers_503_and_ends_in_time()
    {
        var cluster = await nodes.StartedAsync();
        var person = await cluster.PersonAsync(0);
        var there = person.Twin();
        there.DropAccessToken();
        var rotation = cluster.ToDatabase[0].Hold(OnTheWire.Rotation);
        var stuck = there.LoadAsync();
        await rotation.Arrived;

        // Scenario 19. The refresh has an end of its own, and so has its statement: either would do.
        var asked = The.WallClock.GetTimestamp();
        Assert.Equal(0, await cluster.Cluster.Nodes[0].StopAsync());

        var took = The.WallClock.GetElapsedTime(asked);
        output.WriteLine($"With a statement that never came back, the node ended {took.TotalMilliseconds:0} ms after SIGTERM.");
        Assert.InRange(took, TimeSpan.Zero, OrderlyEnd);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await stuck).Status);
        Assert.False((await stuck).TouchesTokens);

        cluster.ToDatabase[0].Cut();
        await cluster.Cluster.RestartAsync(0);
        await cluster.AssertRefreshesAsync(person, generation: 0);
    }

    [Fact]
    public async Task A_node_that_ends_writes_the_proofs_of_receipt_that_wait()
    {
        var cluster = await nodes.StartedAsync();
        var person = await cluster.PersonAsync(0);
        var seen = cluster.ToDatabase[0].Hold(OnTheWire.Seen);
        var loaded = await person.LoadAsync();
        Assert.Equal(HttpStatusCode.OK, loaded.Status);
        await seen.Arrived;
        Assert.Null((await cluster.Cluster.SessionAsync(person.Pair)).SeenAt);

        // Scenario 19: the write that was under way is given up, and a second one is the last that the node does.
        var ended = cluster.Cluster.Nodes[0].StopAsync();
        await seen.ArrivedAsync(2);
        seen.Open();

        Assert.Equal(0, await ended);
        Assert.NotNull((await cluster.Cluster.SessionAsync(person.Pair)).SeenAt);
        await cluster.Cluster.RestartAsync(0);
        await cluster.AssertRefreshesAsync(person, generation: 0);
    }

    /// <summary>Opens all tabs at once, with one jar; those who are held go on once all have been sent.</summary>
    private static async Task<Answer[]> RestoreAsync(GatedCluster cluster, Person person, List<Gate> held)
    {
        var sent = new Gate();
        sent.Open();
        using var client = new HttpClient(new Watch(sent)) { BaseAddress = cluster.Cluster.Balancer.Address };
        var browser = person.Twin(client);
        var loads = browser.LoadAsync(Tabs);
        await sent.ArrivedAsync(Tabs);
        if (held.Count > 0)
        {
            await Task.WhenAny(held.Select(gate => gate.Arrived));
        }

        held.ForEach(gate => gate.Open());
        var answers = await loads;
        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.Status));

        // One that leaves too late carries no pair (scenario 7).
        Assert.All(answers, answer => Assert.Equal(browser.Pair.Generation, answer.Pair?.Generation ?? browser.Pair.Generation));
        person.Pair = browser.Pair;
        return answers;
    }

    /// <summary>
    /// Ends and starts every node in turn under people who refresh all the time, and people who reload, abort and post until
    /// their tokens expire by themselves.
    /// </summary>
    private async Task RollAsync(Func<GatedCluster, int, Task> end)
    {
        var cluster = await nodes.StartedAsync();
        var people = await cluster.Cluster.PeopleAsync(4);
        var (refreshing, reloading) = (new Journal(), new Journal());
        var refreshers = people.Take(2).Select(person => Move(cluster, person, refreshing)).ToList();
        var reloaders = people.Skip(2).Select(person => Move(cluster, person, reloading)).ToList();
        var notes = new ConcurrentDictionary<string, bool>();
        using var over = new CancellationTokenSource();
        var expiries = Task.WhenAll(refreshers.Select(person => Task.Run(() => RefreshUntilAsync(person, over.Token))));
        var reloads = Task.WhenAll(reloaders.Select(person => Task.Run(() => ReloadUntilAsync(person, notes, over.Token))));

        // Scenario 18. All over again where it was so quick that no token has expired by itself.
        using var patience = The.Patience();
        do
        {
            for (var node = 0; node < cluster.Cluster.Nodes.Count; node++)
            {
                await end(cluster, node);
                var without = refreshing.Rotations;
                await cluster.Cluster.RestartAsync(node);
                Assert.True(refreshing.Rotations > without, $"Nobody refreshed while node {node} was away.");
            }
        }
        while (reloading.Rotations == 0 && !patience.IsCancellationRequested);

        Assert.True(reloading.Rotations > 0, "No token expired by itself.");
        await over.CancelAsync();
        await reloads;
        foreach (var (person, count) in refreshers.Zip(await expiries))
        {
            await cluster.AssertWholeAsync(person, count);
            Assert.Equal(count, refreshing.Newest()[person.Pair.Session]);
        }

        Assert.Empty(reloading.EarlyRotations());
        foreach (var person in reloaders)
        {
            // Whoever's last answer was lost learns of the newest generation.
            Assert.Equal(HttpStatusCode.OK, (await person.LoadAsync()).Status);
            var newest = reloading.Newest().GetValueOrDefault(person.Pair.Session);
            await cluster.AssertWholeAsync(person, newest);
        }

        refreshing.AssertNobodyWasSignedOut();
        reloading.AssertNobodyWasSignedOut();
        await AssertFormsRanOnceAsync(cluster, notes);
        output.WriteLine(
            $"{refreshing.Requests + reloading.Requests} requests, {refreshing.Rotations} and {reloading.Rotations} rotations, " +
            $"{refreshing.Replays + reloading.Replays} replays, {refreshing.Lost + reloading.Lost} lost, " +
            $"{refreshing.Unavailable.Count + reloading.Unavailable.Count} unavailable; {notes.Count} forms.");
        people[0].Pair = refreshers[0].Pair;
        await cluster.AssertRefreshesAsync(people[0], people[0].Pair.Generation);
    }

    private static Person Move(GatedCluster cluster, Person person, Journal journal) =>
        new(person.Name, cluster.Cluster.Client, journal, The.WallClock) { Pair = person.Pair };

    /// <summary>
    /// Lets the access token end as soon as there is one, and opens three tabs. A load whose answer was lost is no expiry.
    /// </summary>
    /// <returns>How many expiries there were.</returns>
    private static async Task<int> RefreshUntilAsync(Person person, CancellationToken over)
    {
        var expiries = 0;
        using var pace = new PeriodicTimer(Pause, The.WallClock);
        while (!over.IsCancellationRequested || person.Pair.Access is null)
        {
            await pace.WaitForNextTickAsync(CancellationToken.None);
            if (person.Pair.Access is not null)
            {
                person.DropAccessToken();
                expiries++;
            }

            await person.LoadAsync(tabs: 3);
        }

        return expiries;
    }

    /// <summary>Reloads, aborts, asks by script and posts.</summary>
    /// <param name="person">Who.</param>
    /// <param name="notes">The forms that were sent, and whether the answer told that they ran.</param>
    /// <param name="over">Ends it.</param>
    private static async Task ReloadUntilAsync(Person person, ConcurrentDictionary<string, bool> notes, CancellationToken over)
    {
        using var pace = new PeriodicTimer(Pause, The.WallClock);
        while (!over.IsCancellationRequested)
        {
            await pace.WaitForNextTickAsync(CancellationToken.None);
            await person.LoadAsync(tabs: 2);
            using var aborted = new CancellationTokenSource();
            var hammered = person.LoadAsync(aborted: aborted.Token);
            await aborted.CancelAsync();
            await hammered;
            await person.FetchAsync();
            var text = Guid.NewGuid().ToString();
            notes[text] = (await person.AddNoteAsync(text)).Status == HttpStatusCode.Redirect;
        }
    }

    private static async Task AssertFormsRanOnceAsync(GatedCluster cluster, ConcurrentDictionary<string, bool> notes)
    {
        var stored = await cluster.Cluster.InDatabaseAsync(db => db.Notes.AsNoTracking().Select(note => note.Text).ToListAsync());
        foreach (var (text, ran) in notes)
        {
            Assert.InRange(stored.Count(note => note == text), ran ? 1 : 0, 1);
        }
    }

    /// <summary>Tells of each request just before it is sent, with cookies that are settled.</summary>
    private sealed class Watch(Gate sent) : DelegatingHandler(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false })
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            await sent.PassAsync();
            return await base.SendAsync(request, cancellationToken);
        }
    }

    /// <summary>Three nodes, with lives short enough to see tokens expire.</summary>
    public sealed class Nodes() : SharedCluster(() => GatedCluster.StartAsync(
        3,
        (_, _) => [],
        ("Sessions:AccessTokenLifetime", "00:00:12"), ("Sessions:ReplayWindow", "00:00:06"),
        ("Sessions:LockLease", "00:00:01"), ("Sessions:LockWait", LockWait.ToString())));
}
