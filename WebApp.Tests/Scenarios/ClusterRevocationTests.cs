using System.Net;
using System.Text;
using Microsoft.EntityFrameworkCore;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>Scenarios 31, 34 and 36: what one node has ended, every node refuses.</summary>
[Collection(nameof(Alone))]
public sealed class ClusterRevocationTests(ClusterRevocationTests.Nodes nodes, ITestOutputHelper output)
    : IClassFixture<ClusterRevocationTests.Nodes>
{
    /// <summary>Contract, and invariant 5.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);

    /// <summary>Commands that connections to Redis send of themselves.</summary>
    private static readonly string[] Housekeeping = ["ping", "info", "echo", "get", "quit", "client", "config", "cluster", "subscribe"];

    [Fact]
    public async Task Every_node_refuses_the_access_token_of_an_ended_session_within_a_second()
    {
        var cluster = await nodes.StartedAsync();
        await MeasureAsync(cluster, 20, "");
    }

    [Fact]
    public async Task Every_node_refuses_it_as_soon_when_Redis_was_flushed()
    {
        var cluster = await nodes.StartedAsync();

        // Scenario 21.
        await cluster.Cluster.Redis.AskAsync("FLUSHALL");
        await MeasureAsync(cluster, 5, " with Redis flushed");
    }

    [Fact]
    public async Task Every_node_refuses_it_as_soon_when_one_of_them_is_cut_off_from_Redis()
    {
        var cluster = await nodes.StartedAsync();

        // Scenario 21.
        cluster.ToRedis[1].IsDown = true;
        try
        {
            await RedisIsAsync("Degraded", cluster, 1);
            await MeasureAsync(cluster, 5, " with one node cut off from Redis");
        }
        finally
        {
            cluster.ToRedis[1].IsDown = false;
            await RedisIsAsync("Healthy", cluster, 0, 1, 2);
        }
    }

    [Fact]
    public async Task Every_node_refuses_it_as_soon_when_Redis_is_down()
    {
        var cluster = await nodes.StartedAsync();

        // Scenario 20.
        await cluster.Cluster.Redis.KillAsync();
        try
        {
            await RedisIsAsync("Degraded", cluster, 0, 1, 2);
            await MeasureAsync(cluster, 5, " with Redis down");
        }
        finally
        {
            await cluster.Cluster.Redis.RestartAsync();
            await RedisIsAsync("Healthy", cluster, 0, 1, 2);
        }
    }

    [Fact]
    public async Task A_valid_token_costs_no_statement_and_no_command_on_any_node()
    {
        const int Requests = 300;
        var cluster = await nodes.StartedAsync();
        var person = await cluster.Cluster.PersonAsync();
        var at = AtAll(cluster, person);
        foreach (var there in at)
        {
            Assert.Equal(HttpStatusCode.OK, (await there.FetchAsync()).Status);
        }

        await SeenAsync(cluster, person);
        var commands = await cluster.Cluster.Redis.CallsAsync();
        foreach (var way in cluster.ToDatabase)
        {
            way.Forget();
        }

        // Scenario 34, invariant 7. The nodes' own reading of the list goes on and is all that is sent.
        foreach (var there in at)
        {
            for (var request = 0; request < Requests; request++)
            {
                Assert.Equal(HttpStatusCode.OK, (await there.FetchAsync()).Status);
            }
        }

        Assert.All(cluster.ToDatabase.SelectMany(way => way.Sent), sent => Assert.False(IsForARequest(sent), sent));
        Assert.Empty((await cluster.Cluster.Redis.CallsAsync())
            .Where(call => call.Value > commands.GetValueOrDefault(call.Key) && !IsHousekeeping(call.Key))
            .Select(call => $"{call.Key}: {call.Value}"));

        // What is counted would have been seen: a refresh sends both.
        at[0].DropAccessToken();
        Assert.True((await at[0].FetchAsync()).Rotated);
        Assert.Contains(cluster.ToDatabase[0].Sent, IsForARequest);
        Assert.True((await cluster.Cluster.Redis.CallsAsync())["set"] > commands.GetValueOrDefault("set"));
        cluster.Journal.AssertNobodyWasSignedOut();
    }

    [Fact]
    public async Task A_node_that_starts_after_a_revocation_knows_of_it()
    {
        var cluster = await nodes.StartedAsync();
        var (ended, other) = (await cluster.Cluster.PersonAsync(), await cluster.Cluster.PersonAsync());
        await EndAsync(cluster, ended);
        await cluster.Cluster.Nodes[2].KillAsync();
        await cluster.Cluster.RestartAsync(2);

        // Scenario 21: no resurrection. Its first request already.
        var there = cluster.At(ended, 2, new Journal());
        Assert.Equal(HttpStatusCode.Unauthorized, (await there.FetchAsync()).Status);
        Assert.Equal(HttpStatusCode.OK, (await cluster.At(other, 2).FetchAsync()).Status);
    }

    [Fact]
    public async Task A_sign_out_that_overtakes_a_rotation_on_another_node_wins()
    {
        var cluster = await nodes.StartedAsync();
        var (person, refreshing) = await RefreshingAsync(cluster);
        var statement = cluster.ToDatabase[0].Hold(OnTheWire.Rotation);
        var refresh = refreshing.LoadAsync();
        await statement.Arrived;

        // Scenario 31.
        await SignOutAsync(cluster, person);
        statement.Open();

        AssertRefused(await refresh);
        await AssertEndedAsync(cluster, person, generation: 0, person.Pair);
    }

    [Fact]
    public async Task A_sign_out_between_a_rotation_and_its_answer_wins()
    {
        var cluster = await nodes.StartedAsync();
        var (person, refreshing) = await RefreshingAsync(cluster);
        var look = cluster.ToDatabase[0].Hold(OnTheWire.Look);
        var refresh = refreshing.LoadAsync();
        await look.Arrived;
        Assert.Equal(1, (await cluster.Cluster.SessionAsync(person.Pair)).Generation);

        // Scenario 31.
        await SignOutAsync(cluster, person);
        look.Open();

        AssertRefused(await refresh);
        await AssertEndedAsync(cluster, person, generation: 1, person.Pair);
    }

    [Fact]
    public async Task A_sign_out_that_a_rotation_on_another_node_overtakes_ends_the_new_pair_too()
    {
        var cluster = await nodes.StartedAsync();
        var (person, refreshing) = await RefreshingAsync(cluster);
        var statement = cluster.ToDatabase[1].Hold(OnTheWire.Revocation);
        var leaving = cluster.At(person, 1, new Journal());
        var signOut = leaving.SignOutAsync();
        await statement.Arrived;

        // Scenario 31.
        Assert.True((await refreshing.LoadAsync()).Rotated);
        statement.Open();

        Assert.Equal("/", (await signOut).Location);
        await AssertEndedAsync(cluster, person, generation: 1, refreshing.Pair);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_disabled_account_is_refused_at_its_next_refresh_on_any_node_and_then_on_all(int node)
    {
        var cluster = await nodes.StartedAsync();
        var person = await cluster.Cluster.PersonAsync();
        await cluster.Cluster.InDatabaseAsync(db => db.Users
            .Where(account => account.UserName == person.Name)
            .ExecuteUpdateAsync(account => account.SetProperty(each => each.Disabled, true)));

        // Scenario 36: with the current token even.
        var there = cluster.At(person, node, new Journal());
        there.DropAccessToken();
        Assert.StartsWith("/login?reason=account_changed", (await there.LoadAsync()).Location, StringComparison.Ordinal);
        await AssertEndedAsync(cluster, person, generation: 0, person.Pair);
    }

    /// <summary>Ends sessions, by their owners and by their rows in turn, and measures how long each node goes on serving them.</summary>
    private async Task MeasureAsync(GatedCluster cluster, int rounds, string circumstances)
    {
        var delays = new List<double>();
        var bystander = await cluster.Cluster.PersonAsync();
        foreach (var (person, round) in (await cluster.Cluster.PeopleAsync(rounds)).Select((person, round) => (person, round)))
        {
            // At any moment between two readings of a node, and not always just after one.
            for (var request = Random.Shared.Next(300); request > 0; request--)
            {
                await bystander.FetchAsync();
            }

            // Each node has served it before, and has the token in its memory.
            var at = AtAll(cluster, person, new Journal());
            Assert.All(
                await Task.WhenAll(at.Select(there => there.FetchAsync())),
                answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
            if (round % 2 == 0)
            {
                await EndAsync(cluster, person);
            }
            else
            {
                await SignOutAsync(cluster, person, node: round % at.Count);
            }

            var since = The.WallClock.GetTimestamp();
            delays.AddRange(await Task.WhenAll(at.Select(there => RefusedAfterAsync(there, since))));
        }

        delays.Sort();
        output.WriteLine(
            $"{rounds} sessions ended on {cluster.Cluster.Nodes.Count} nodes{circumstances}: the last request served was sent " +
            $"{delays[delays.Count / 2]:0} ms after (median), {delays[^1]:0} ms at worst.");
        Assert.True(delays[^1] <= Soon.TotalMilliseconds, $"A node served an ended session for {delays[^1]:0} ms.");
        Assert.DoesNotContain(cluster.Journal.SignOuts, signOut => signOut.StartsWith(bystander.Name, StringComparison.Ordinal));
    }

    /// <summary>How long after the end the last request was sent that the node still served, in milliseconds; 0 for none.</summary>
    private static async Task<double> RefusedAfterAsync(Person there, long since)
    {
        there.Pair = there.Pair.WithoutRefresh();
        using var patience = The.Patience();
        for (var last = since; ;)
        {
            var asked = The.WallClock.GetTimestamp();
            var answer = await there.FetchAsync();
            if (answer.Status == HttpStatusCode.Unauthorized)
            {
                return The.WallClock.GetElapsedTime(since, last).TotalMilliseconds;
            }

            Assert.Equal(HttpStatusCode.OK, answer.Status);
            patience.Token.ThrowIfCancellationRequested();
            last = asked;
        }
    }

    /// <summary>Someone signed in, and the same browser at node 0 with its access token ended.</summary>
    private static async Task<(Person Person, Person Refreshing)> RefreshingAsync(GatedCluster cluster)
    {
        var person = await cluster.Cluster.PersonAsync();
        var refreshing = cluster.At(person, 0, new Journal());
        refreshing.DropAccessToken();
        return (person, refreshing);
    }

    private static async Task SignOutAsync(GatedCluster cluster, Person person, int node = 1) =>
        Assert.Equal("/", (await cluster.At(person, node, new Journal()).SignOutAsync()).Location);

    /// <summary>Ends the session as an administrator's tool does.</summary>
    private static Task EndAsync(GatedCluster cluster, Person person) => cluster.ChangeAsync(
        person, row => (row.RevokedAt, row.RevokedReason) = (The.WallClock.GetUtcNow(), "revoked"));

    private static void AssertRefused(Answer answer)
    {
        Assert.StartsWith("/login?reason=", answer.Location, StringComparison.Ordinal);
        Assert.False(answer.TouchesTokens);
    }

    /// <summary>No node accepts either half of the pair, and nothing is issued for it.</summary>
    private static async Task AssertEndedAsync(GatedCluster cluster, Person person, int generation, CookiePair pair)
    {
        var since = The.WallClock.GetTimestamp();
        person.Pair = pair;
        var row = await cluster.Cluster.SessionAsync(pair);
        Assert.Equal(generation, row.Generation);
        Assert.NotNull(row.RevokedAt);
        foreach (var there in AtAll(cluster, person, new Journal()))
        {
            there.DropAccessToken();
            AssertRefused(await there.LoadAsync());
            there.Pair = pair;
            Assert.InRange(await RefusedAfterAsync(there, since), 0, Soon.TotalMilliseconds);
        }

        Assert.Equal(generation, (await cluster.Cluster.SessionAsync(pair)).Generation);
    }

    private static IReadOnlyList<Person> AtAll(GatedCluster cluster, Person person, Journal? journal = null) =>
        [.. Enumerable.Range(0, cluster.Clients.Count).Select(node => cluster.At(person, node, journal))];

    /// <summary>Completes once every node has sent what it writes down of this session: each does, as none asks before whether another did.</summary>
    private static Task SeenAsync(GatedCluster cluster, Person person)
    {
        var session = Encoding.Latin1.GetString(person.Pair.Session.ToByteArray(bigEndian: true));
        return Waiting.UntilAsync(() => Task.FromResult(cluster.ToDatabase.All(way => way.Sent.Any(sent =>
            sent.Contains(OnTheWire.Seen, StringComparison.Ordinal) && sent.Contains(session, StringComparison.Ordinal)))));
    }

    /// <summary>Completes once these nodes say so of their connection to Redis.</summary>
    private static async Task RedisIsAsync(string expected, GatedCluster cluster, params int[] nodes)
    {
        foreach (var node in nodes)
        {
            var client = await cluster.Cluster.ClientOfAsync(node);
            await Waiting.UntilAsync(async () =>
            {
                using var answer = await client.GetAsync("/healthz/ready");
                var report = await answer.JsonAsync();
                return report.GetProperty("dependencies").GetProperty("redis").GetProperty("status").GetString() == expected;
            });
        }
    }

    /// <summary>Whether it is a statement, and not one that a node sends of itself: the list of ended sessions, the clock.</summary>
    private static bool IsForARequest(string sent) =>
        (sent.Contains("SELECT ", StringComparison.Ordinal) || sent.Contains("UPDATE ", StringComparison.Ordinal)
            || sent.Contains("INSERT ", StringComparison.Ordinal))
        && !sent.Contains("\"RevokedAt\" >=", StringComparison.Ordinal)
        && !sent.Contains("clock_timestamp()", StringComparison.Ordinal);

    /// <summary>Redis counts <c>CLIENT SETNAME</c> as <c>client|setname</c>.</summary>
    private static bool IsHousekeeping(string command) => Housekeeping.Contains(command.Split('|')[0]);

    public sealed class Nodes() : SharedCluster(() => GatedCluster.StartAsync(3, (_, _) => []));
}
