using System.Net;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.SimpleJwt;

/// <summary>A real Django with Simple JWT, rotation and blacklist on, as the issuer behind real nodes.</summary>
public sealed class DjangoIssuerTests(ITestOutputHelper output, SharedPostgres postgres, DjangoIssuerTests.Sites sites)
    : IClassFixture<DjangoIssuerTests.Sites>
{
    private const string Refresh = DjangoSite.Paths.Refresh;

    [Fact]
    public async Task Three_hundred_requests_over_three_nodes_are_one_refresh_in_Django_each_time()
    {
        const int Racers = 300;
        const int Rounds = 20;
        var site = await sites.OrdinaryAsync();
        var ada = await site.AdaAsync();
        for (var round = 1; round <= Rounds; round++)
        {
            ada.DropAccessToken();
            var racers = Enumerable.Range(0, Racers).Select(_ => ada.Twin()).ToList();
            var answers = await Task.WhenAll(racers.Select(racer => Task.Run(racer.FetchAsync)));

            Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
            Assert.All(answers, answer => Assert.Equal(round, answer.Pair!.Generation));
            Assert.Equal(round, site.Spends);
            ada.Pair = racers[^1].Pair;
        }

        // Each token that Django has ever seen again is spent. The one it has not is stored here, and lives.
        Assert.All(site.Django.Answered(Refresh), status => Assert.Equal(200, status));
        var written = await site.TokensOfAsync(ada);
        Assert.Equal(Rounds, written.Count);
        Assert.All(written, token => Assert.True(token.Blacklisted));
        await AssertGoesOnAsync(site, ada, Rounds);
        output.WriteLine($"{Rounds} rounds of {Racers} requests over 3 nodes: {site.Spends - 1} refreshes in Django, {Rounds * Racers} answers 200, nobody signed out.");
    }

    [Fact]
    public async Task A_Django_that_is_slow_is_waited_for()
    {
        var site = await sites.OrdinaryAsync();
        var ada = site.ExpiredAt(await site.AdaAsync(), 0);
        await site.Django.OrderAsync(new DjangoTrouble(Refresh) { SecondsBefore = 3, Times = 1 });

        var answer = await ada.LoadAsync();

        Assert.Equal((HttpStatusCode.OK, 1), (answer.Status, answer.Pair?.Generation));
        await AssertGoesOnAsync(site, ada, 1);
    }

    public static TheoryData<string> Troubles => ["500", "html 200", "html 401", "redirect", "frozen", "down"];

    /// <summary>None of this is a refusal, and nothing was spent.</summary>
    [Theory]
    [MemberData(nameof(Troubles))]
    public async Task A_Django_in_trouble_puts_a_refresh_off_and_signs_nobody_out(string trouble)
    {
        var site = await sites.OrdinaryAsync();
        var ada = site.ExpiredAt(await site.AdaAsync(), 0);
        await (trouble switch
        {
            "500" => InsteadAsync(DjangoAnswer.Error),
            "html 200" => InsteadAsync(DjangoAnswer.Html(200)),
            "html 401" => InsteadAsync(DjangoAnswer.Html(401)),
            "redirect" => InsteadAsync(DjangoAnswer.Redirect("/accounts/login/")),
            "frozen" => site.Django.FreezeAsync(),
            _ => site.Django.KillAsync(),
        });

        var answer = await ada.LoadAsync();

        Assert.Equal((HttpStatusCode.ServiceUnavailable, false), (answer.Status, answer.TouchesTokens));
        Assert.NotNull(answer.RetryAfter);
        await (trouble switch
        {
            "frozen" => site.Django.ThawAsync(),
            "down" => site.Django.RestartAsync(),
            _ => site.Django.OrderAsync(),
        });
        if (trouble == "frozen")
        {
            // What it was asked while it stood still it may do now, and nobody hears of it: the documented case.
            return;
        }

        var back = await ada.LoadAsync();
        Assert.Equal((HttpStatusCode.OK, 1), (back.Status, back.Pair?.Generation));
        await AssertGoesOnAsync(site, ada, 1);

        Task InsteadAsync(DjangoAnswer answer) => site.Django.OrderAsync(new DjangoTrouble(Refresh) { Instead = answer });
    }

    /// <summary>The one case that is left: Django has spent the token, and its answer is truly lost.</summary>
    [Theory]
    [InlineData("Unanswered")]
    [InlineData("Halfway")]
    public async Task An_answer_of_Django_that_is_truly_lost_ends_the_session_only_after_it_was_waited_for(string cut)
    {
        var site = await sites.ImpatientAsync();
        var ada = site.ExpiredAt(await site.AdaAsync(), 0);
        await site.Django.OrderAsync(new DjangoTrouble(Refresh) { Times = 1, Cut = Enum.Parse<DjangoCut>(cut) });

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await ada.LoadAsync()).Status);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await ada.LoadAsync()).Status);

        var watched = new Person(ada.Name, site.Nodes.Clients[0], new Journal(), The.WallClock) { Pair = ada.Pair };
        await Waiting.UntilAsync(async () => (await watched.LoadAsync()).Location is not null);
        Assert.StartsWith("/login?reason=upstream_refused", (await watched.LoadAsync()).Location, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_killed_between_our_commit_and_the_cookies_is_made_good_by_another()
    {
        var site = await sites.ImpatientAsync();
        var ada = await site.AdaAsync();
        var held = site.Nodes.ToDatabase[0].HoldAnswer(OnTheWire.Rotation);
        var lost = site.ExpiredAt(ada, 0).LoadAsync();
        await held.Arrived;
        await site.Nodes.KillAsync(0);
        Assert.True((await lost).IsLost);

        var there = site.ExpiredAt(ada, 1);
        var answer = await there.LoadAsync();

        Assert.Equal((HttpStatusCode.OK, true, 1), (answer.Status, answer.Replayed, answer.Pair?.Generation));
        Assert.Equal(1, site.Spends);
        site.Cluster.Journal.AssertNobodyWasSignedOut();
    }

    /// <summary>The same documented case: what died with the node nobody else has.</summary>
    [Fact]
    public async Task A_node_killed_between_Djangos_answer_and_our_commit_takes_the_pair_with_it()
    {
        var site = await sites.ImpatientAsync();
        var ada = await site.AdaAsync();
        var held = site.Nodes.ToDatabase[0].Hold(OnTheWire.Rotation);
        var lost = site.ExpiredAt(ada, 0).LoadAsync();
        await held.Arrived;
        await site.Nodes.KillAsync(0);
        Assert.True((await lost).IsLost);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await site.ExpiredAt(ada, 1).LoadAsync()).Status);
        var watched = new Person(ada.Name, site.Nodes.Clients[1], new Journal(), The.WallClock) { Pair = ada.Pair.WithoutAccess() };
        await Waiting.UntilAsync(async () => (await watched.LoadAsync()).Location is not null);
        Assert.StartsWith("/login?reason=upstream_refused", (await watched.LoadAsync()).Location, StringComparison.Ordinal);
    }

    /// <summary>Two spend one token, which Simple JWT grants to both; one of them is frozen past its lease meanwhile.</summary>
    [Fact]
    public async Task Of_two_pairs_that_a_frozen_node_has_caused_one_is_stored_and_the_other_blacklisted()
    {
        var site = await sites.OutlastingAsync();
        var ada = await site.AdaAsync();
        await using var blacklist = await site.Django.Database.HoldBlacklistAsync();
        var frozen = site.ExpiredAt(ada, 0).LoadAsync();
        await blacklist.WaitingAsync(1);
        await site.Cluster.Nodes[0].FreezeAsync();
        var there = site.ExpiredAt(ada, 1);
        var other = there.LoadAsync();
        await blacklist.WaitingAsync(2);
        await blacklist.DisposeAsync();

        Assert.Equal(HttpStatusCode.OK, (await other).Status);
        await site.Cluster.Nodes[0].ThawAsync();

        Assert.Equal(HttpStatusCode.OK, (await frozen).Status);
        await site.Django.ArrivedAsync(DjangoSite.Paths.Blacklist, 1);
        await Waiting.UntilAsync(() => Task.FromResult(site.Django.Answered(DjangoSite.Paths.Blacklist).Contains(200)));
        Assert.Equal([200, 200], site.Django.Answered(Refresh));
        Assert.Equal(1, (await site.Cluster.SessionAsync(there.Pair)).UpstreamVersion);
        ada.Pair = there.Pair;
        await AssertGoesOnAsync(site, ada, 1, frozen: 0);
    }

    /// <summary>The frozen node alone has the answer, and Django refuses the token to everybody else.</summary>
    [Fact]
    public async Task A_pair_that_a_frozen_node_brings_late_is_waited_for()
    {
        var site = await sites.OutlastingAsync();
        var ada = await site.AdaAsync();
        await site.Django.OrderAsync(new DjangoTrouble(Refresh) { Times = 1, Hold = DjangoHold.After });
        var frozen = site.ExpiredAt(ada, 0).LoadAsync();
        await site.Django.ArrivedAsync(Refresh, 1);
        await site.Cluster.Nodes[0].FreezeAsync();
        await Waiting.UntilAsync(async () => (await site.TokensOfAsync(ada)).Any(token => token.Blacklisted));

        var there = site.ExpiredAt(ada, 1);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await there.LoadAsync()).Status);
        await site.Django.OrderAsync();
        await site.Cluster.Nodes[0].ThawAsync();

        Assert.Equal(HttpStatusCode.OK, (await frozen).Status);
        Assert.Equal(HttpStatusCode.OK, (await there.LoadAsync()).Status);
        ada.Pair = there.Pair;
        await AssertGoesOnAsync(site, ada, 1, frozen: 0);
    }

    [Fact]
    public async Task Signing_out_blacklists_the_refresh_token_in_Django()
    {
        var site = await sites.OrdinaryAsync();
        var ada = site.Nodes.At(await site.AdaAsync(), 0, new Journal());

        await ada.SignOutAsync();

        await Waiting.UntilAsync(() => Task.FromResult(site.Django.Answered(DjangoSite.Paths.Blacklist).Contains(200)));
        Assert.All(await site.TokensOfAsync(ada), token => Assert.True(token.Blacklisted));
    }

    [Fact]
    public async Task A_wrong_password_is_refused_and_an_account_page_that_is_not_ours_is_not_there()
    {
        var site = await sites.OrdinaryAsync();

        using var client = new HttpClient { BaseAddress = site.Nodes.Clients[0].BaseAddress };
        var register = await client.GetAsync("/register");
        var refused = await client.PostAsync("/api/token/", DjangoServer.Body(new { username = "ada", password = "wrong" }));
        await site.Django.KillAsync();
        var away = await client.PostAsync("/api/token/", DjangoServer.Body(new { username = "ada", password = "Correct-Horse-1" }));

        Assert.Equal(
            (HttpStatusCode.NotFound, HttpStatusCode.Unauthorized, HttpStatusCode.ServiceUnavailable),
            (register.StatusCode, refused.StatusCode, away.StatusCode));
    }

    /// <summary>By cookie alone, and with Django's own access token, which is renewed when it has ended.</summary>
    [Fact]
    public async Task A_script_calls_the_API_through_the_site()
    {
        var site = await sites.OrdinaryAsync();
        var ada = site.Nodes.At(await site.AdaAsync(), 0);

        // Long enough for all of them to come while it is renewed. What Django issues here is about to end from the first.
        await site.Django.OrderAsync(new DjangoTrouble(Refresh) { SecondsBefore = 3, Times = 1 });

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => ada.LoadAsync("/proxy/api/me/")));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
        Assert.All(answers, answer => Assert.Contains($"\"name\":\"{ada.Name}\"", answer.Body.Replace(" ", "", StringComparison.Ordinal), StringComparison.Ordinal));
        Assert.All(answers, answer => Assert.False(answer.TouchesTokens));
        Assert.Equal(1, site.Spends);
        Assert.Equal(0, (await site.Cluster.SessionAsync(ada.Pair)).Generation);
    }

    /// <summary>It was good when the site sent it, and had ended when Django looked at it.</summary>
    [Fact]
    public async Task A_call_whose_token_Django_refuses_is_repeated_with_a_renewed_one()
    {
        // Longer than the margin before its end at which the site itself renews a token.
        var lifetime = TimeSpan.FromSeconds(15);
        await using var site = await DjangoSite.StartAsync(postgres, 1, lifetime);
        var ada = site.Nodes.At(await site.AdaAsync(), 0);
        await site.Django.OrderAsync(new DjangoTrouble(DjangoSite.Paths.Me) { SecondsBefore = lifetime.TotalSeconds, Times = 1 });

        var answer = await ada.LoadAsync("/proxy/api/me/");

        Assert.Equal((HttpStatusCode.OK, false), (answer.Status, answer.TouchesTokens));
        Assert.Equal([401, 200], site.Django.Answered(DjangoSite.Paths.Me));
        Assert.Equal([200], site.Django.Answered(Refresh));
        var row = await site.Cluster.SessionAsync(ada.Pair);
        Assert.Equal((0, 1), (row.Generation, row.UpstreamVersion));
        site.Cluster.Journal.AssertNobodyWasSignedOut();
    }

    [Fact]
    public async Task A_script_of_a_session_that_is_over_is_told_so()
    {
        var site = await sites.OrdinaryAsync();
        var signedOut = new Person("nobody", site.Nodes.Clients[0], new Journal(), The.WallClock);

        var answer = await signedOut.LoadAsync("/proxy/api/me/");

        Assert.Equal(HttpStatusCode.Unauthorized, answer.Status);
        Assert.Equal(0, site.Django.Arrived(DjangoSite.Paths.Me));
    }

    /// <summary>She refreshes once more, at each node, and nobody was signed out.</summary>
    /// <param name="frozen">A node that stood still: it may put refreshes off until it has found Redis again.</param>
    private static async Task AssertGoesOnAsync(DjangoSite site, Person person, int generation, int? frozen = null)
    {
        for (var node = 0; node < site.Nodes.Clients.Count; node++)
        {
            var there = site.ExpiredAt(person, node);
            var next = await there.LoadAsync();
            if (node == frozen)
            {
                await Waiting.UntilAsync(async () =>
                    next.Status != HttpStatusCode.ServiceUnavailable
                    || (next = await there.LoadAsync()).Status != HttpStatusCode.ServiceUnavailable);
            }

            Assert.Equal((HttpStatusCode.OK, ++generation), (next.Status, next.Pair?.Generation));
            person.Pair = there.Pair;
        }

        site.Cluster.Journal.AssertNobodyWasSignedOut();
    }

    /// <summary>The sites that several tests use, one after another. Each is started by the first of them.</summary>
    public sealed class Sites(SharedPostgres postgres) : IAsyncDisposable
    {
        private readonly Lazy<Task<DjangoSite>> ordinary = new(() => DjangoSite.StartAsync(postgres, 3, ("Upstream:Timeout", "00:00:08")));

        private readonly Lazy<Task<DjangoSite>> impatient = new(() => DjangoSite.StartAsync(
            postgres, 2, ("Upstream:Timeout", "00:00:03"), ("Sessions:LockWait", "00:00:02"), ("Sessions:LockLease", "00:00:02")));

        private readonly Lazy<Task<DjangoSite>> outlasting = new(() => DjangoSite.StartAsync(
            postgres, 2, ("Upstream:Timeout", "00:00:05"), ("Sessions:LockLease", "00:00:01")));

        internal async Task<DjangoSite> OrdinaryAsync() => await (await ordinary.Value).RenewAsync();

        /// <summary>Two nodes that do not wait for long.</summary>
        internal async Task<DjangoSite> ImpatientAsync() => await (await impatient.Value).RenewAsync();

        /// <summary>Two nodes whose calls of Django may outlast the lease of their lock.</summary>
        internal async Task<DjangoSite> OutlastingAsync() => await (await outlasting.Value).RenewAsync();

        public async ValueTask DisposeAsync()
        {
            foreach (var site in (Lazy<Task<DjangoSite>>[])[ordinary, impatient, outlasting])
            {
                if (site is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
                {
                    await (await site.Value).DisposeAsync();
                }
            }
        }
    }
}
