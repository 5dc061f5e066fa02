using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>
/// Scenarios 43 and 45: floods of cookies that are worth nothing. Open: in the first minutes after a start a forged refresh cookie
/// that names an unknown key makes Data Protection look into the database (decision 9).
/// </summary>
[Collection(nameof(Alone))]
public sealed partial class FloodTests(FloodTests.Nodes nodes, ITestOutputHelper output) : IClassFixture<FloodTests.Nodes>
{
    private const int Connections = 16;
    private const int Refreshes = 60;
    private const int Dead = 50;

    /// <summary>How often a node asks for a lock that another holds for a moment: at first, after subscribing, when woken.</summary>
    private const int LooksAtALock = 3;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(10);

    [Fact]
    public async Task A_flood_of_garbage_and_dead_cookies_costs_little_and_slows_nobody()
    {
        var cluster = await nodes.StartedAsync();
        var person = await cluster.Cluster.PersonAsync();
        var dead = await cluster.Cluster.PeopleAsync(Dead);
        foreach (var each in dead)
        {
            await cluster.ChangeAsync(each, row => row.ExpiresAt = The.WallClock.GetUtcNow() - TimeSpan.FromHours(1));
        }

        List<CookiePair> worthless = [.. dead.Select(each => each.Pair.WithoutAccess()), .. dead.SelectMany(each => Spoil(each.Pair))];
        var quiet = await RefreshAsync(cluster, person);

        // The processors are the test's too: the measure is a flood of as many requests that nobody has to judge at length.
        var (healthy, _) = await FloodedAsync(cluster, [(await cluster.Cluster.PersonAsync()).Pair], person, HttpStatusCode.OK);
        foreach (var way in cluster.ToDatabase)
        {
            way.Forget();
        }

        var before = await cluster.Cluster.Redis.CallsAsync();
        var started = The.WallClock.GetTimestamp();
        var (flooded, requests) = await FloodedAsync(cluster, worthless, person, HttpStatusCode.Unauthorized);
        var minutes = (int)The.WallClock.GetElapsedTime(started).TotalMinutes + 1;

        // Scenario 45: a node judges a dead session once, and remembers it for a minute; garbage is judged from memory.
        var judged = Refreshes + (Dead * cluster.Cluster.Nodes.Count * minutes);
        var statements = cluster.ToDatabase.Sum(way => way.Sent.Count(sent => sent.Contains(OnTheWire.Rotation, StringComparison.Ordinal)));
        var looks = cluster.ToDatabase.Sum(way => way.Sent.Count(sent => sent.Contains(OnTheWire.Look, StringComparison.Ordinal)));
        var locks = (await cluster.Cluster.Redis.CallsAsync())["set"] - before.GetValueOrDefault("set");
        output.WriteLine(
            $"{requests} worthless requests: {statements} rotations tried, {looks} rows looked at, {locks} locks asked for, " +
            $"{Refreshes} of each for the refreshes. Those took {Median(quiet):0.0} ms (median) alone, {Median(healthy):0.0} ms beside a " +
            $"flood of valid tokens, {Median(flooded):0.0} ms beside the worthless.");
        Assert.True(requests > 20 * Dead, $"{requests} requests are no flood.");
        Assert.InRange(statements, Refreshes, judged);
        Assert.InRange(looks, Refreshes, judged);
        Assert.InRange(locks, Refreshes, LooksAtALock * judged);
        Assert.True(
            Median(flooded) <= (2 * Median(healthy)) + 20,
            $"Refreshes took {Median(flooded):0.0} ms and not {Median(healthy):0.0} ms.");
        cluster.Journal.AssertNobodyWasSignedOut();
        await cluster.AssertWholeAsync(person, 3 * Refreshes);
    }

    [Fact]
    public async Task A_spent_token_that_is_hammered_is_put_off_by_that_node_and_moves_no_window()
    {
        var cluster = await nodes.StartedAsync();
        var (person, other) = (await cluster.Cluster.PersonAsync(), await cluster.Cluster.PersonAsync());
        var spent = person.Pair.WithoutAccess();
        person.DropAccessToken();
        Assert.True((await person.LoadAsync()).Rotated);
        var seen = The.WallClock.GetUtcNow() - (Window / 2);
        await cluster.ChangeAsync(person, row => row.SeenAt = seen);

        // Scenario 43. What a node puts off is its own affair.
        var journal = new Journal();
        await HammerUntilPutOffAsync(cluster.At(person, 0, journal), spent);
        foreach (var elsewhere in (int[])[1, 2])
        {
            var tab = cluster.At(person, elsewhere, journal);
            tab.Pair = spent;
            Assert.True((await tab.FetchAsync()).Replayed);
        }

        output.WriteLine($"{journal.Requests} requests with a spent token: {journal.Replays} replayed, {journal.Unavailable.Count} put off.");

        journal.AssertNobodyWasSignedOut();
        Assert.Equal(1, Assert.Single(journal.Newest()).Value);
        await cluster.AssertWholeAsync(person, 1);
        Assert.Equal(seen.ToUnixTimeMilliseconds(), (await cluster.Cluster.SessionAsync(person.Pair)).SeenAt!.Value.ToUnixTimeMilliseconds());
        other.DropAccessToken();
        Assert.True((await other.LoadAsync()).Rotated);
        Assert.Equal(HttpStatusCode.OK, (await person.LoadAsync()).Status);
        cluster.Journal.AssertNobodyWasSignedOut();

        // However much it was replayed, its window ends when it would have ended.
        await cluster.ChangeAsync(person, row => row.SeenAt = The.WallClock.GetUtcNow() - Window);
        var thief = cluster.At(person, 1, new Journal());
        thief.Pair = spent;
        var answer = await thief.FetchAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, answer.Status);
        Assert.Contains("\"reuse\"", answer.Body, StringComparison.Ordinal);
    }

    /// <summary>Both halves of a genuine pair, cut off, changed, exchanged and made up.</summary>
    private static IEnumerable<CookiePair> Spoil(CookiePair pair)
    {
        var (access, refresh) = (pair.Access!, pair.Refresh!);
        yield return new CookiePair(access[..^5], refresh[..^5]);
        yield return new CookiePair(Change(access), Change(refresh));
        yield return new CookiePair(refresh, access);
        yield return new CookiePair("eyJhbGciOiJub25lIn0.e30.", new string('A', 300));
        yield return new CookiePair(null, Guid.NewGuid().ToString());
    }

    /// <summary>With another character 40 before the end, which belongs to what is signed or to the signature.</summary>
    private static string Change(string token) => $"{token[..^40]}{(token[^40] == 'x' ? 'y' : 'x')}{token[^39..]}";

    /// <summary>Asks for a refresh with the spent token, two at a time, until the site says that it is too much.</summary>
    private static async Task HammerUntilPutOffAsync(Person browser, CookiePair spent)
    {
        using var patience = The.Patience();
        var putOff = 0;
        await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(async () =>
        {
            while (Volatile.Read(ref putOff) == 0)
            {
                patience.Token.ThrowIfCancellationRequested();
                var racer = browser.Twin();
                racer.Pair = spent;
                var answer = await racer.FetchAsync();
                if (answer.Status == HttpStatusCode.ServiceUnavailable)
                {
                    Assert.False(answer.TouchesTokens);
                    Volatile.Write(ref putOff, 1);
                }
                else
                {
                    Assert.Equal(HttpStatusCode.OK, answer.Status);
                }
            }
        })));
    }

    /// <summary>Floods all nodes, by connections of their own, while somebody refreshes.</summary>
    /// <returns>What the refreshes took, in milliseconds, and how many requests met them.</returns>
    private static async Task<(List<double> Took, int Requests)> FloodedAsync(
        GatedCluster cluster, List<CookiePair> cookies, Person person, HttpStatusCode expected)
    {
        using var over = new CancellationTokenSource();
        var requests = 0;
        var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var nobody = new Person("nobody", cluster.Cluster.Client, new Journal(), The.WallClock);
        var flood = Enumerable.Range(0, Connections).Select(connection => Task.Run(async () =>
        {
            var browser = cluster.At(nobody, connection % cluster.Cluster.Nodes.Count, new Journal());
            for (var turn = connection; !over.IsCancellationRequested; turn++)
            {
                browser.Pair = cookies[turn % cookies.Count];
                Assert.Equal(expected, (await browser.FetchAsync()).Status);
                if (Interlocked.Increment(ref requests) == Connections * 10)
                {
                    enough.SetResult();
                }
            }
        })).ToList();
        await enough.Task.InTime();
        var took = await RefreshAsync(cluster, person);
        await over.CancelAsync();
        await Task.WhenAll(flood);
        return (took, requests);
    }

    private static async Task<List<double>> RefreshAsync(GatedCluster cluster, Person person)
    {
        var took = new List<double>();
        for (var refresh = 0; refresh < Refreshes; refresh++)
        {
            person.DropAccessToken();
            var there = cluster.At(person, refresh % cluster.Cluster.Nodes.Count);
            var answer = await there.FetchAsync();
            Assert.True(answer.Rotated);
            took.Add(double.Parse(Durations().Match(answer.Timing).Groups[1].Value, CultureInfo.InvariantCulture));
            person.Pair = there.Pair;
        }

        return took;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    [GeneratedRegex(@"dur=([\d.]+)")]
    private static partial Regex Durations();

    /// <summary>Three nodes with a replay window that no test outlasts.</summary>
    public sealed class Nodes() : SharedCluster(() => GatedCluster.StartAsync(
        3, (_, _) => [], ("Sessions:AccessTokenLifetime", "00:20:00"), ("Sessions:ReplayWindow", "00:10:00")));
}
