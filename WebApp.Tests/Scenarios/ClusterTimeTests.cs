using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.IdentityModel.JsonWebTokens;
using WebApp.Configuration;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>
/// Scenarios 27 and 28: nodes whose clocks are wrong. Data Protection looks at the machine's own clock, which a test cannot set
/// for one process alone; what it does on a machine that is an hour off is not shown here.
/// </summary>
[Collection(nameof(Clusters))]
public sealed partial class ClusterTimeTests(ClusterTimeTests.Nodes nodes) : IClassFixture<ClusterTimeTests.Nodes>
{
    private const string Skew = "Testing:ClockSkew";
    private const int Right = 0;
    private const int Ahead = 1;
    private const int Behind = 2;

    private static readonly SessionsOptions Defaults = new();

    /// <summary>How far two clocks on one machine may seem apart, between asking and looking.</summary>
    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(10);

    /// <summary>How close to its end a token is looked at. The nodes are two hundred times as far apart.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(25);

    private static DateTimeOffset Now => The.WallClock.GetUtcNow();

    [Fact]
    public async Task Nodes_five_seconds_apart_agree_on_the_moment_at_which_a_token_has_ended()
    {
        await using var cluster = await GatedCluster.StartAsync(
            2,
            (_, node) => [(Skew, node == 0 ? "-00:00:02.5" : "00:00:02.5")],
            ("Sessions:AccessTokenLifetime", "00:00:03"), ("Sessions:ReplayWindow", "00:00:01.5"));
        foreach (var node in cluster.Cluster.Nodes)
        {
            await node.SaysAsync("This machine's clock is off by");
        }

        var person = await cluster.Cluster.PersonAsync();
        Person[] at = [cluster.At(person, 0), cluster.At(person, 1)];
        Person[] late = [cluster.At(person, 0, new Journal()), cluster.At(person, 1, new Journal())];
        var expiries = 0;
        using var pace = new PeriodicTimer(Pace, The.WallClock);
        for (var turn = 0; expiries < 3; turn++)
        {
            await pace.WaitForNextTickAsync();
            var (here, there) = (at[turn % 2], at[(turn + 1) % 2]);
            var before = here.Pair;
            var page = await here.LoadAsync();
            Assert.Equal(HttpStatusCode.OK, page.Status);
            there.Pair = here.Pair;
            if (page.Rotated)
            {
                // Scenario 27: valid here, valid there; expired here, expired there.
                expiries++;
                Assert.False((await there.LoadAsync()).TouchesTokens);
                foreach (var other in late)
                {
                    other.Pair = before.WithoutRefresh();
                    Assert.StartsWith("/login?reason=expired", (await other.LoadAsync()).Location, StringComparison.Ordinal);
                }
            }
        }

        Assert.Empty(cluster.Journal.EarlyRotations());
        cluster.Journal.AssertNobodyWasSignedOut();
        await cluster.AssertWholeAsync(at[0], expiries);
    }

    [Fact]
    public async Task Readiness_says_by_how_much_a_clock_is_off()
    {
        var cluster = await nodes.StartedAsync();

        // Scenario 28.
        foreach (var (node, off) in new[] { (Right, false), (Ahead, true), (Behind, true) })
        {
            using var answer = await (await cluster.Cluster.ClientOfAsync(node)).GetAsync("/healthz/ready");
            var report = await answer.JsonAsync();
            var clock = report.GetProperty("dependencies").GetProperty("clock");
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal(off ? "Degraded" : "Healthy", report.GetProperty("status").GetString());
            Assert.Equal(off ? "Degraded" : "Healthy", clock.GetProperty("status").GetString());
            if (off)
            {
                AssertNear(TimeSpan.FromHours(1), Offset(clock));
            }
        }
    }

    [Fact]
    public async Task Nodes_that_started_together_with_different_clocks_read_what_each_of_them_writes()
    {
        var cluster = await nodes.StartedAsync();
        Assert.Equal(1, await cluster.Cluster.InDatabaseAsync(db => db.SigningKeys.CountAsync()));
        foreach (var writer in new[] { Right, Ahead, Behind })
        {
            var person = cluster.At(await cluster.Cluster.PersonAsync(), writer);
            person.Pair = new CookiePair(null, null);
            await person.SignInAsync();
            foreach (var reader in new[] { Right, Ahead, Behind })
            {
                var there = cluster.At(person, reader);
                Assert.False((await there.LoadAsync()).TouchesTokens);
                there.DropAccessToken();
                Assert.True((await there.LoadAsync()).Rotated);
                person.Pair = there.Pair;
            }

            await cluster.AssertWholeAsync(person, 3);
        }

        // The form is protected by one node and sent to another.
        var writing = await cluster.Cluster.PersonAsync();
        for (var note = 0; note < 3; note++)
        {
            Assert.Equal("/notes", (await writing.AddNoteAsync($"note {note}")).Location);
        }

        cluster.Journal.AssertNobodyWasSignedOut();
    }

    [Fact]
    public async Task What_a_wrong_node_writes_is_written_in_the_databases_time()
    {
        var cluster = await nodes.StartedAsync();
        foreach (var node in new[] { Right, Ahead, Behind })
        {
            var person = await cluster.Cluster.PersonAsync();
            await cluster.ChangeAsync(person, row => row.Persistent = true);
            using var request = new HttpRequestMessage(HttpMethod.Get, "/notes");
            request.Headers.TryAddWithoutValidation("Cookie", $"refresh_token={person.Pair.Refresh}");
            using var answer = await (await cluster.Cluster.ClientOfAsync(node)).SendAsync(request);

            var token = new JsonWebToken(answer.NewPair()!.Access);
            AssertNear(Now, token.IssuedAt);
            AssertNear(Now + Defaults.AccessTokenLifetime, token.ValidTo);
            Assert.All(
                answer.SetCookies().Where(cookie => cookie.Name.Value!.EndsWith("_token", StringComparison.Ordinal)),
                cookie => AssertNear(Defaults.AbsoluteLifetime, cookie.MaxAge ?? TimeSpan.Zero));

            var there = cluster.At(person, node);
            there.Pair = answer.NewPair()!;
            Assert.Equal(HttpStatusCode.OK, (await there.LoadAsync()).Status);
            var row = await SeenAsync(cluster, there);
            AssertNear(Now, row.RotatedAt);
            AssertNear(Now, row.LastUsedAt);
            AssertNear(Now, row.SeenAt!.Value);
        }
    }

    [Fact]
    public async Task A_window_is_open_and_closed_at_the_same_moment_on_every_node()
    {
        var cluster = await nodes.StartedAsync();
        foreach (var judge in new[] { Right, Ahead, Behind })
        {
            var person = await cluster.Cluster.PersonAsync();
            var spent = person.Pair.WithoutAccess();
            person.DropAccessToken();
            Assert.True((await person.LoadAsync()).Rotated);
            Assert.Equal(HttpStatusCode.OK, (await person.LoadAsync()).Status);
            await SeenAsync(cluster, person);

            // Scenario 28: no false reuse within the window,
            await cluster.ChangeAsync(person, row => row.SeenAt = Now - (Defaults.ReplayWindow / 3));
            var racer = cluster.At(person, judge);
            racer.Pair = spent;
            Assert.True((await racer.LoadAsync()).Replayed);
            Assert.Equal(1, racer.Pair.Generation);
            await cluster.AssertWholeAsync(person, 1);

            // and none is kept open by a clock that is behind.
            await cluster.ChangeAsync(person, row => row.SeenAt = Now - Defaults.ReplayWindow - TimeSpan.FromMilliseconds(1));
            var thief = cluster.At(person, judge, new Journal());
            thief.Pair = spent;
            Assert.StartsWith("/login?reason=reuse", (await thief.LoadAsync()).Location, StringComparison.Ordinal);
            AssertNear(Now, Assert.Single(await EventsOfAsync(cluster, person)).At);
        }

        cluster.Journal.AssertNobodyWasSignedOut();
    }

    [Theory]
    [InlineData(Right)]
    [InlineData(Ahead)]
    [InlineData(Behind)]
    public async Task Limits_are_judged_by_the_databases_time(int judge)
    {
        var cluster = await nodes.StartedAsync();
        var near = TimeSpan.FromMinutes(30);

        // Scenario 28: half an hour before either limit, by the right clock, everything goes on;
        await RefreshAsync(row => row.ExpiresAt = Now + near, outcome: null);
        await RefreshAsync(row => row.LastUsedAt = Now - Defaults.IdleTimeout + near, outcome: null);

        // half an hour after, nothing does.
        await RefreshAsync(row => row.ExpiresAt = Now - near, "expired");
        await RefreshAsync(row => row.LastUsedAt = Now - Defaults.IdleTimeout - near, "expired");

        async Task RefreshAsync(Action<SessionRow> change, string? outcome)
        {
            var person = await cluster.Cluster.PersonAsync();
            await cluster.ChangeAsync(person, change);
            var there = cluster.At(person, judge, new Journal());
            there.DropAccessToken();
            var answer = await there.LoadAsync();
            Assert.Equal(outcome is null, answer.Rotated);
            Assert.StartsWith(outcome is null ? "" : $"/login?reason={outcome}", answer.Location ?? "", StringComparison.Ordinal);
        }
    }

    /// <summary>The row, once it says that the current generation was seen.</summary>
    private static async Task<SessionRow> SeenAsync(GatedCluster cluster, Person person)
    {
        using var patience = The.Patience();
        while (true)
        {
            if (await cluster.Cluster.SessionAsync(person.Pair) is { SeenAt: not null } seen)
            {
                return seen;
            }

            patience.Token.ThrowIfCancellationRequested();
        }
    }

    private static async Task<List<SecurityEvent>> EventsOfAsync(GatedCluster cluster, Person person) =>
        [.. (await cluster.Cluster.EventsAsync()).Where(record => record.SessionId == person.Pair.Session)];

    private static TimeSpan Offset(JsonElement clock) =>
        TimeSpan.Parse(Durations().Match(clock.GetProperty("description").GetString()!).Value, null);

    private static void AssertNear(DateTimeOffset expected, DateTimeOffset actual) =>
        Assert.InRange(actual, expected - Tolerance, expected + Tolerance);

    private static void AssertNear(TimeSpan expected, TimeSpan actual) =>
        Assert.InRange(actual, expected - Tolerance, expected + Tolerance);

    [GeneratedRegex(@"\d\d:\d\d:\d\d(\.\d+)?")]
    private static partial Regex Durations();

    /// <summary>Three nodes, one right, one an hour ahead and one an hour behind, that start together on an empty database.</summary>
    public sealed class Nodes() : SharedCluster(() => GatedCluster.StartAsync(3, (cluster, node) =>
    {
        if (node == Right)
        {
            PostgresServer.Empty(cluster.Database);
        }

        return node switch
        {
            Ahead => [(Skew, "01:00:00")],
            Behind => [(Skew, "-01:00:00")],
            _ => [],
        };
    }));
}
