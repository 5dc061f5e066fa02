using System.Net;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Npgsql;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.SimpleJwt;

/// <summary>
/// What Simple JWT does by itself, with rotation and blacklist on: the reasons for a site before it, and what the documentation
/// says of it. These are its defects and no contract; a version that mends one makes the sentence wrong, and fails here.
/// </summary>
public sealed class BareSimpleJwtTests(ITestOutputHelper output, BareSimpleJwtTests.OneDjango bare) : IClassFixture<BareSimpleJwtTests.OneDjango>
{
    private const string Refresh = "/api/token/refresh/";
    private const string Blacklisted = "token_blacklist_blacklistedtoken";

    /// <summary>scenario 1, without the site.</summary>
    [Theory]
    [InlineData(60)]
    [InlineData(300)]
    public async Task A_storm_forks_the_session_or_signs_somebody_out(int requests)
    {
        var django = await bare.RenewedAsync();
        using var client = django.Client();
        await WarmUpAsync(django, client);
        var ada = await django.SignInAsync(await django.Database.AddAsync());

        var began = The.WallClock.GetTimestamp();
        var answers = await RefreshTogetherAsync(client, ada, requests);
        var took = The.WallClock.GetElapsedTime(began);
        var refused = answers.Count(answer => answer.Status == HttpStatusCode.Unauthorized);
        List<CookiePair> successors = [.. answers.Where(answer => answer.Pair is not null).Select(answer => answer.Pair!)];
        var alive = await CountAliveAsync(client, successors);

        var issuer = $"Simple JWT {await DjangoServer.VersionAsync()}, gunicorn {django.Options.Workers} × {django.Options.Threads}";
        output.WriteLine("| who is asked | requests | 200 | 401 | 5xx | live successors | seconds |");
        output.WriteLine("|---|---|---|---|---|---|---|");
        output.WriteLine(
            $"| {issuer} | {requests} | {successors.Count} | {refused} | {requests - successors.Count - refused} | {alive} | {took.TotalSeconds:0.0} |");

        Assert.Equal(requests, django.Arrived(Refresh) - successors.Count);
        Assert.True(successors.Count > 0, "Nobody got a successor.");
        Assert.True(alive > 1 || refused > 0, "All got one and the same successor.");
        Assert.Equal(successors.Count, alive);
    }

    /// <summary>Each looks whether the token is spent before any has said so; nothing binds the look to the deed.</summary>
    [Fact]
    public async Task Refreshes_that_meet_each_get_a_session_of_their_own()
    {
        const int Racers = 4;
        var django = await bare.RenewedAsync();
        using var client = django.Client();
        var ada = await django.SignInAsync(await django.Database.AddAsync());

        // Reading the blacklist is free, and whoever writes into it waits: so they meet where they always may.
        await using var connection = await django.Database.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await AskAsync(connection, $"LOCK TABLE {Blacklisted} IN SHARE MODE");
        var refreshing = RefreshTogetherAsync(client, ada, Racers);
        await Waiting.UntilAsync(async () => await AskAsync(connection, $"""
            SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = '{Blacklisted}'::regclass
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """) is Racers);
        await transaction.RollbackAsync();

        var successors = (await refreshing).Select(answer => answer.Pair).OfType<CookiePair>().ToList();
        Assert.Equal(Racers, successors.Select(pair => pair.Refresh).Distinct().Count());
        Assert.Equal(Racers, await CountAliveAsync(client, successors));
    }

    [Fact]
    public async Task A_lost_answer_signs_out()
    {
        var django = await bare.RenewedAsync();
        using var client = django.Client();
        var ada = await django.SignInAsync(await django.Database.AddAsync());
        await django.OrderAsync(new DjangoTrouble(Refresh) { Times = 1, Cut = DjangoCut.Unanswered });
        await Assert.ThrowsAsync<HttpRequestException>(() => RefreshAsync(client, ada));
        Assert.Equal(HttpStatusCode.Unauthorized, (await RefreshAsync(client, ada)).Status);
    }

    [Fact]
    public async Task The_reuse_of_a_spent_token_leaves_its_successor_alive()
    {
        var django = await bare.RenewedAsync();
        using var client = django.Client();
        var stolen = await django.SignInAsync(await django.Database.AddAsync());
        var thief = (await RefreshAsync(client, stolen)).Pair!;
        Assert.Equal(HttpStatusCode.Unauthorized, (await RefreshAsync(client, stolen)).Status);
        Assert.NotNull((await RefreshAsync(client, thief)).Pair);
    }

    [Fact]
    public async Task An_access_token_survives_the_blacklisting_of_its_refresh_token()
    {
        var django = await bare.RenewedAsync();
        using var client = django.Client();
        var ada = await django.SignInAsync(await django.Database.AddAsync());
        using var signOut = await client.PostAsync("/api/token/blacklist/", DjangoServer.Body(new { refresh = ada.Refresh }));
        Assert.Equal(HttpStatusCode.OK, signOut.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await RefreshAsync(client, ada)).Status);
        client.DefaultRequestHeaders.Authorization = new("Bearer", ada.Access);
        using var me = await client.GetAsync("/api/me/");
        Assert.Equal(HttpStatusCode.OK, me.StatusCode);
    }

    [Fact]
    public async Task Each_refresh_gives_the_whole_lifetime_again()
    {
        var django = await bare.RenewedAsync();
        using var client = django.Client();
        var ada = await django.SignInAsync(await django.Database.AddAsync());
        var successor = (await RefreshAsync(client, ada)).Pair!;
        var token = new JsonWebToken(successor.Refresh);
        Assert.Equal(django.Options.RefreshLifetime, token.ValidTo - token.IssuedAt);
        Assert.DoesNotContain(token.Claims, claim => claim.Type == "auth_time");
    }

    /// <summary>A refresh writes down the token that it spends, and not the one it gives; a sign-out everywhere would miss that.</summary>
    [Fact]
    public async Task A_successor_is_not_among_the_outstanding_tokens()
    {
        var django = await bare.RenewedAsync();
        using var client = django.Client();
        var user = await django.Database.AddAsync();
        var ada = await django.SignInAsync(user);
        var second = (await RefreshAsync(client, ada)).Pair!;
        var third = (await RefreshAsync(client, second)).Pair!;

        var tokens = await django.Database.TokensOfAsync(user);
        Assert.Equal([ada.Refresh, second.Refresh], tokens.Select(token => token.Text));
        Assert.Equal([true, false], tokens.Select(token => token.Listed));
        Assert.All(tokens, token => Assert.True(token.Blacklisted));
        Assert.NotNull((await RefreshAsync(client, third)).Pair);
    }

    /// <summary>A worker's first request takes long, and would let the others pass it one by one.</summary>
    private static async Task WarmUpAsync(DjangoServer django, HttpClient client)
    {
        var requests = 2 * django.Options.Workers * django.Options.Threads;
        await Task.WhenAll(Enumerable.Range(0, requests).Select(_ => client.GetAsync("/api/me/")));
    }

    private static Task<(HttpStatusCode Status, CookiePair? Pair)[]> RefreshTogetherAsync(HttpClient client, CookiePair pair, int count) =>
        Task.WhenAll(Enumerable.Range(0, count).Select(_ => RefreshAsync(client, pair)));

    /// <summary>A session is alive if its refresh token is good for another.</summary>
    private static async Task<int> CountAliveAsync(HttpClient client, IEnumerable<CookiePair> pairs) =>
        (await Task.WhenAll(pairs.Select(pair => RefreshAsync(client, pair)))).Count(answer => answer.Pair is not null);

    private static async Task<(HttpStatusCode Status, CookiePair? Pair)> RefreshAsync(HttpClient client, CookiePair pair)
    {
        using var answer = await client.PostAsync(Refresh, DjangoServer.Body(new { refresh = pair.Refresh }));
        return (answer.StatusCode, answer.IsSuccessStatusCode ? Read(await answer.JsonAsync()) : null);
    }

    private static CookiePair Read(JsonElement pair) =>
        new(pair.GetProperty("access").GetString(), pair.GetProperty("refresh").GetString());

    private static async Task<long?> AskAsync(NpgsqlConnection connection, string statement)
    {
        await using var command = new NpgsqlCommand(statement, connection);
        return (long?)await command.ExecuteScalarAsync();
    }

    /// <summary>The one Django of these tests. Started by the first of them.</summary>
    public sealed class OneDjango(SharedPostgres postgres) : IAsyncDisposable
    {
        private readonly Lazy<Task<DjangoServer>> django = new(() => DjangoServer.StartAsync(postgres));

        internal async Task<DjangoServer> RenewedAsync()
        {
            var started = await django.Value;
            await started.RenewAsync();
            return started;
        }

        public async ValueTask DisposeAsync()
        {
            if (django is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
            {
                await (await django.Value).DisposeAsync();
            }
        }
    }
}
