using System.Net;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>
/// Scenarios 20 to 22 with real processes: Redis only saves work, and whatever becomes of it, nobody is signed out, nobody is put
/// off, and what was revoked stays revoked. The second node reaches Redis by a way that can be cut.
/// </summary>
[Collection(nameof(Alone))]
public sealed class ClusterRedisTests(ClusterRedisTests.TwoNodes shared, ITestOutputHelper output)
    : IClassFixture<ClusterRedisTests.TwoNodes>, IAsyncLifetime
{
    private GatedCluster gated = null!;

    private Cluster Cluster => gated.Cluster;

    private RedisServer Redis => Cluster.Redis;

    /// <summary>Every test begins with two nodes that use Redis, whatever the one before has left behind.</summary>
    public async ValueTask InitializeAsync()
    {
        gated = await shared.StartedAsync();
        await (Redis.Runs ? Redis.ResumeAsync() : Redis.RestartAsync());
        await UseRedisAgainAsync();
    }

    public ValueTask DisposeAsync()
    {
        Assert.Empty(Cluster.Journal.Unavailable);
        Assert.Equal(0, Cluster.Journal.Lost);
        return ValueTask.CompletedTask;
    }

    /// <summary>Scenario 20: down at start, and coming back.</summary>
    [Fact]
    public async Task Nodes_that_start_without_Redis_refresh_and_use_it_once_it_is_there()
    {
        await Redis.KillAsync();
        for (var node = 0; node < Cluster.Nodes.Count; node++)
        {
            await Cluster.Nodes[node].StopAsync();
            await Cluster.RestartAsync(node);
        }

        var person = await gated.PersonAsync(0);
        await RaceAsync(person, generation: 1);

        await Redis.RestartAsync();
        await UseRedisAgainAsync();
        await RaceAsync(person, generation: 2);
        await gated.AssertGoesOnAsync(person, generation: 2);
    }

    /// <summary>Scenario 20: going down during, after and before a refresh.</summary>
    [Fact]
    public async Task Redis_that_dies_while_one_holds_a_lock_and_another_waits_for_it_disturbs_neither()
    {
        var person = await gated.PersonAsync(0);
        var waits = gated.ToRedis[1].Watch(OnTheWire.Subscription);
        var (holder, held) = await HoldAsync(person);
        var elsewhere = person.Twin(gated.Clients[1]);
        var waiter = elsewhere.LoadAsync();
        await waits.Arrived;

        await Redis.KillAsync();
        var waited = await waiter;
        held.Open();
        var answer = await holder;

        Assert.Equal((HttpStatusCode.OK, true, 1), (waited.Status, waited.Rotated, waited.Pair?.Generation));
        Assert.Equal((HttpStatusCode.OK, true, 1), (answer.Status, answer.Replayed, answer.Pair?.Generation));
        await RaceAsync(elsewhere, generation: 2);
        await Redis.RestartAsync();
        await gated.AssertGoesOnAsync(elsewhere, generation: 2);
    }

    /// <summary>Scenario 21: the lock is forgotten while its work runs, so that two work at once.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Redis_that_forgets_a_lock_in_mid_refresh_lets_two_decide_and_both_get_the_same(bool restarted)
    {
        var person = await gated.PersonAsync(0);
        var (holder, held) = await HoldAsync(person);
        await (restarted ? Redis.RestartAsync() : Redis.AskAsync("FLUSHALL"));

        var elsewhere = person.Twin(gated.Clients[1]);
        var answer = await elsewhere.LoadAsync();
        held.Open();
        var late = await holder;

        Assert.Equal((HttpStatusCode.OK, true, 1), (answer.Status, answer.Rotated, answer.Pair?.Generation));
        Assert.Equal((HttpStatusCode.OK, true, 1), (late.Status, late.Replayed, late.Pair?.Generation));
        await gated.AssertGoesOnAsync(elsewhere, generation: 1);
    }

    /// <summary>Scenario 21: one node has no Redis, and the other has it for itself.</summary>
    [Fact]
    public async Task Redis_that_is_cut_off_from_one_node_only_forks_nobody()
    {
        var people = await Cluster.PeopleAsync(5);
        await CutOffAsync();
        foreach (var person in people)
        {
            await RaceAsync(person, generation: 1);
            await RaceAsync(person, generation: 2);
        }

        gated.ToRedis[1].IsDown = false;
        await gated.AssertGoesOnAsync(people[0], generation: 2);
    }

    /// <summary>Scenarios 21 and 34: no second store to lose.</summary>
    [Theory]
    [InlineData("there")]
    [InlineData("flushed")]
    [InlineData("dead")]
    [InlineData("cut off from one node")]
    public async Task Whatever_becomes_of_Redis_a_revocation_is_seen_everywhere_within_a_second_and_never_forgotten(string redis)
    {
        // A journal of its own: this person is to be signed out.
        var person = await gated.PersonAsync(0);
        var copy = gated.At(person, 1, new Journal());
        var old = person.Pair;
        Assert.Equal(HttpStatusCode.OK, (await copy.FetchAsync()).Status);
        await (redis switch
        {
            "flushed" => Redis.AskAsync("FLUSHALL"),
            "dead" => Redis.KillAsync(),
            "cut off from one node" => CutOffAsync(),
            _ => Task.CompletedTask,
        });

        await SignOutAsync(person);
        var signedOut = The.WallClock.GetTimestamp();
        await Waiting.UntilAsync(async () => (await copy.FetchAsync()).Status == HttpStatusCode.Unauthorized);
        var seen = The.WallClock.GetElapsedTime(signedOut);

        gated.ToRedis[1].IsDown = false;
        await (Redis.Runs ? Redis.AskAsync("FLUSHALL") : Redis.RestartAsync());
        foreach (var client in gated.Clients)
        {
            foreach (var pair in new[] { old, old.WithoutAccess() })
            {
                var thief = new Person(person.Name, client, new Journal(), The.WallClock) { Pair = pair };
                var refused = await thief.FetchAsync();
                Assert.Equal((HttpStatusCode.Unauthorized, false), (refused.Status, refused.TouchesTokens));
            }
        }

        var row = await Cluster.SessionAsync(old);
        Assert.Equal((0, "revoked"), (row.Generation, row.RevokedReason));
        output.WriteLine($"Redis {redis}: seen at the other node after {seen.TotalMilliseconds:0} ms.");

        Assert.InRange(seen, TimeSpan.Zero, TimeSpan.FromSeconds(1));
    }

    /// <summary>Scenario 22.</summary>
    [Fact]
    public async Task A_Redis_that_keeps_refreshes_waiting_delays_few_of_them_by_little_and_is_used_again_when_it_answers()
    {
        const int Refreshes = 15;
        var person = await gated.PersonAsync(0);
        var usual = new List<TimeSpan>();
        for (var expiry = 1; expiry <= Refreshes; expiry++)
        {
            usual.Add(await RefreshAsync(person, expiry));
        }

        await Redis.PauseAsync();
        var first = await RefreshAsync(person, Refreshes + 1);
        var later = new List<TimeSpan>();
        for (var expiry = Refreshes + 2; expiry <= 2 * Refreshes; expiry++)
        {
            later.Add(await RefreshAsync(person, expiry));
        }

        await Redis.ResumeAsync();
        output.WriteLine(
            $"Usually {Median(usual):0.0} ms; kept waiting once for {first.TotalMilliseconds:0} ms; after that {Median(later):0.0} ms.");
        Assert.InRange(first, TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(3));
        Assert.InRange(Median(later), 0, Median(usual) + 100);
        await UseRedisAgainAsync();
        await gated.AssertGoesOnAsync(person, 2 * Refreshes);
    }

    /// <summary>Scenarios 20 and 22: it never comes back. With the local authority nobody is the worse for it.</summary>
    [Theory]
    [InlineData("dead")]
    [InlineData("silent")]
    public async Task Redis_that_is_gone_for_good_under_load_costs_no_error_no_sign_out_and_no_time(string redis)
    {
        const int People = 8;
        const int Rounds = 25;
        var people = await Cluster.PeopleAsync(People);
        var gone = new Gate();
        var load = people.Select(person => Task.Run(() => RefreshManyAsync(person, Rounds, gone))).ToList();
        await gone.ArrivedAsync(People);
        await (redis == "dead" ? Redis.KillAsync() : Redis.PauseAsync());
        var fault = The.WallClock.GetTimestamp();
        gone.Open();
        var refreshes = await Task.WhenAll(load);

        var all = refreshes.SelectMany(each => each).ToList();
        var before = all.Where(each => each.Answered < fault).ToList();
        var during = all.Where(each => each.Started <= fault && each.Answered >= fault).ToList();

        // The circuit has opened once the first refresh that met the fault has been answered.
        var opened = all.Where(each => each.Answered >= fault).Min(each => each.Answered);
        var after = all.Where(each => each.Started > opened).ToList();
        output.WriteLine(
            $"Redis {redis}: {before.Count} refreshes before, median {Median(before):0.0} ms; {during.Count} under way, " +
            $"{Median(during):0.0} ms; {after.Count} after, {Median(after):0.0} ms, the slowest {after.Max(Milliseconds):0} ms.");
        Assert.True(after.Count >= People * Rounds / 2, $"Only {after.Count} refreshes met the fault.");
        Assert.InRange(Median(after), 0, Median(before) + 100);
        foreach (var (person, expiries) in people.Zip(refreshes))
        {
            Assert.Equal(expiries.Count, (await Cluster.SessionAsync(person.Pair)).Generation);
        }

        await (redis == "dead" ? Redis.RestartAsync() : Redis.ResumeAsync());
        await gated.AssertGoesOnAsync(people[0], refreshes[0].Count);
    }

    /// <summary>One expiry after the other: so many before the fault, on and on until it has struck, and so many after it.</summary>
    private static async Task<List<(long Started, long Answered)>> RefreshManyAsync(Person person, int rounds, Gate fault)
    {
        var refreshes = new List<(long, long)>();
        await WhileAsync(() => refreshes.Count < rounds);
        var struck = fault.PassAsync();
        await WhileAsync(() => !struck.IsCompleted);
        await struck;
        var all = refreshes.Count + rounds;
        await WhileAsync(() => refreshes.Count < all);
        return refreshes;

        async Task WhileAsync(Func<bool> goesOn)
        {
            while (goesOn())
            {
                var started = The.WallClock.GetTimestamp();
                await RefreshAsync(person, refreshes.Count + 1);
                refreshes.Add((started, The.WallClock.GetTimestamp()));
            }
        }
    }

    /// <summary>One expiry; how long its person waited.</summary>
    private static async Task<TimeSpan> RefreshAsync(Person person, int generation)
    {
        person.DropAccessToken();
        var started = The.WallClock.GetTimestamp();
        var answer = await person.FetchAsync();
        Assert.Equal((HttpStatusCode.OK, true, generation), (answer.Status, answer.Rotated, answer.Pair?.Generation));
        return The.WallClock.GetElapsedTime(started);
    }

    /// <summary>One expiry and twenty tabs at both nodes, none of which learns from another's answer: one rotation.</summary>
    private async Task RaceAsync(Person person, int generation)
    {
        person.DropAccessToken();
        var racers = Enumerable.Range(0, 20).Select(tab => person.Twin(gated.Clients[tab % 2])).ToList();
        var answers = await Task.WhenAll(racers.Select(racer => Task.Run(racer.FetchAsync)));
        Assert.All(answers, answer => Assert.Equal((HttpStatusCode.OK, generation), (answer.Status, answer.Pair?.Generation)));
        Assert.Equal(generation, (await Cluster.SessionAsync(racers[0].Pair)).Generation);
        person.Pair = racers[^1].Pair;
    }

    /// <summary>A refresh at the first node that has the lock and whose rotation is held on its way to the database.</summary>
    private async Task<(Task<Answer> Holder, Gate Held)> HoldAsync(Person person)
    {
        var key = await gated.LockOfAsync(person.Pair);
        person.DropAccessToken();
        var held = gated.ToDatabase[0].Hold(OnTheWire.Rotation);
        var holder = person.Twin().LoadAsync();
        await held.Arrived;
        Assert.Equal(1, (int)await Redis.AskAsync("EXISTS", key));
        return (holder, held);
    }

    /// <summary>Refreshes at each node until it has taken the lock in Redis again.</summary>
    private async Task UseRedisAgainAsync()
    {
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(100), The.WallClock);
        for (var node = 0; node < gated.Clients.Count; node++)
        {
            if (shared.Somebody.Count == node)
            {
                shared.Somebody.Add(await gated.PersonAsync(node));
            }

            var someone = shared.Somebody[node];
            var used = (await Redis.WatchAsync(await gated.LockOfAsync(someone.Pair))).UntilAsync("set");
            while (!used.IsCompleted)
            {
                await RefreshAsync(someone, someone.Pair.Generation + 1);
                await pace.WaitForNextTickAsync();
            }

            await used;
        }
    }

    private async Task SignOutAsync(Person person)
    {
        using var visitor = new Visitor(gated.Clients[0].BaseAddress!) { Pair = person.Pair };
        await visitor.OpenAsync("/notes");
        await visitor.SubmitAsync("form[action='/logout']");
        Assert.Null(visitor.Pair.Refresh);
    }

    /// <summary>Takes the second node's way to Redis away; returns when it knows.</summary>
    private async Task CutOffAsync()
    {
        gated.ToRedis[1].IsDown = true;
        await Waiting.UntilAsync(async () =>
            (await gated.Clients[1].GetStringAsync("/healthz/ready")).Contains("Redis is away", StringComparison.Ordinal));
    }

    private static double Median(IEnumerable<TimeSpan> times) => Median(times.Select(time => time.TotalMilliseconds));

    private static double Median(IEnumerable<(long Started, long Answered)> refreshes) => Median(refreshes.Select(Milliseconds));

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted.Count == 0 ? 0 : sorted[sorted.Count / 2];
    }

    private static double Milliseconds((long Started, long Answered) refresh) =>
        The.WallClock.GetElapsedTime(refresh.Started, refresh.Answered).TotalMilliseconds;

    /// <summary>The first node reaches Redis directly, and so sees it refuse connections when it is dead.</summary>
    public sealed class TwoNodes() : SharedCluster(() => GatedCluster.StartAsync(
        2, (cluster, node) => node == 0 ? [("ConnectionStrings:Redis", cluster.Redis.Configuration)] : []))
    {
        /// <summary>One at each node, who signs in once for all tests.</summary>
        internal List<Person> Somebody { get; } = [];
    }
}
