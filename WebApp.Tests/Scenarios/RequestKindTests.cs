using System.Net;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>Scenarios 46, 47 and 51: pages, programs, prefetches and files are told apart.</summary>
public sealed class RequestKindTests
{
    public static TheoryData<string, string, string> Programs => new()
    {
        { "/api/me", "Accept", "text/html" },
        { "/notes", "Sec-Fetch-Mode", "cors" },
        { "/notes", "Sec-Fetch-Mode", "same-origin" },
        { "/notes", "X-Requested-With", "XMLHttpRequest" },
        { "/notes", "Accept", "application/json" },
    };

    public static TheoryData<string, string> Navigations => new()
    {
        { "Sec-Fetch-Mode", "navigate" },
        { "Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" },
        { "Accept", "text/html, application/json" },
        { "Accept", "*/*" },
    };

    public static TheoryData<string, string> Prefetches => new()
    {
        { "Sec-Purpose", "prefetch" },
        { "Sec-Purpose", "prefetch;prerender" },
        { "Purpose", "prefetch" },
    };

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task A_program_with_a_dead_session_gets_JSON_and_never_a_redirect(string path, string header, string value)
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        site.Leap(TimeSpan.FromDays(20));

        using var answer = await visitor.GetAsync(path, (header, value));

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        Assert.Equal("Bearer", answer.Headers.WwwAuthenticate.Single().Scheme);
        var body = await answer.JsonAsync();
        Assert.Equal("token_not_valid", body.GetProperty("code").GetString());
        Assert.Equal("expired", body.GetProperty("reason").GetString());
        Assert.NotEmpty(body.GetProperty("detail").GetString()!);
    }

    [Theory]
    [MemberData(nameof(Navigations))]
    public async Task A_person_with_a_dead_session_is_sent_to_sign_in_with_a_reason_and_the_way_back(string header, string value)
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        site.Leap(TimeSpan.FromDays(20));

        using var answer = await visitor.GetAsync("/notes?page=2", (header, value));

        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        Assert.Equal("/login?reason=expired&returnUrl=%2Fnotes%3Fpage%3D2", answer.Headers.Location!.OriginalString);
    }

    [Fact]
    public async Task Nobody_is_sent_to_sign_in_without_a_reason_and_a_program_is_told_that_it_sent_no_token()
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site);

        using var page = await visitor.GetAsync("/notes");
        using var program = await visitor.GetAsync("/api/me");

        Assert.Equal("/login?returnUrl=%2Fnotes", page.Headers.Location!.OriginalString);
        Assert.Equal(HttpStatusCode.Unauthorized, program.StatusCode);
        Assert.Equal("not_authenticated", (await program.JsonAsync()).GetProperty("code").GetString());
    }

    [Theory]
    [MemberData(nameof(Prefetches))]
    public async Task A_prefetch_is_served_while_the_access_token_is_good_and_never_refreshes(string header, string value)
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);

        using var served = await visitor.GetAsync("/notes", (header, value));
        site.ExpireAccessTokens();
        using var refused = await visitor.GetAsync("/notes", (header, value));

        Assert.Equal(HttpStatusCode.OK, served.StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.True(refused.Headers.CacheControl!.NoStore);
        Assert.False(refused.TouchesTokens());
        Assert.Equal(0, (await site.TheSessionAsync()).Generation);
    }

    [Fact]
    public async Task A_prefetch_by_nobody_gets_no_redirect_to_sign_in_but_every_open_page()
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site);

        using var closed = await visitor.GetAsync("/notes", ("Sec-Purpose", "prefetch"));
        using var open = await visitor.GetAsync("/", ("Sec-Purpose", "prefetch"));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, closed.StatusCode);
        Assert.Equal(HttpStatusCode.OK, open.StatusCode);
    }

    [Theory]
    [InlineData("GET", "/css/site.css")]
    [InlineData("GET", "/favicon.svg")]
    [InlineData("GET", "/healthz/live")]
    [InlineData("GET", "/.well-known/jwks.json")]
    [InlineData("OPTIONS", "/notes")]
    [InlineData("OPTIONS", "/api/me")]
    public async Task Files_health_keys_and_preflights_never_look_at_a_session(string method, string path)
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        site.ExpireAccessTokens();
        site.Database.Forget();

        using var answer = await visitor.SendAsync(new HttpMethod(method), path);

        Assert.False(answer.TouchesTokens());
        Assert.False(answer.Headers.Contains("Server-Timing"));
        Assert.DoesNotContain(site.Database.Statements, statement => statement.Contains("Sessions", StringComparison.Ordinal));
    }

    [Fact]
    public async Task HEAD_is_answered_as_GET_and_rotates_once()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        site.ExpireAccessTokens();

        using var answer = await visitor.SendAsync(HttpMethod.Head, "/notes");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(1, answer.NewPair()!.Generation);
        Assert.Equal(1, site.Database.Count(DatabaseProbe.Rotation));
    }

    [Fact]
    public async Task An_open_page_shows_the_person_after_a_refresh_and_nobody_after_a_refusal()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        site.ExpireAccessTokens();

        using var refreshed = await visitor.GetAsync("/");
        site.Leap(TimeSpan.FromDays(20));
        using var refused = await visitor.GetAsync("/");

        Assert.Contains("ada", await refreshed.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(1, refreshed.NewPair()!.Generation);
        Assert.Equal(HttpStatusCode.OK, refused.StatusCode);
        Assert.DoesNotContain("ada", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.False(refused.TouchesTokens());
    }

    [Fact]
    public async Task The_refresh_endpoint_does_nothing_while_the_access_token_is_good_and_refreshes_once_it_is_not()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        (string, string)[] headers = [("X-Requested-With", "fetch"), ("Sec-Fetch-Site", "same-origin")];

        using var nothing = await visitor.SendAsync(HttpMethod.Post, "/api/auth/token/refresh/", headers);
        site.ExpireAccessTokens();
        using var refreshed = await visitor.SendAsync(HttpMethod.Post, "/api/auth/token/refresh", headers);
        site.Leap(TimeSpan.FromDays(20));
        using var refused = await visitor.SendAsync(HttpMethod.Post, "/api/auth/token/refresh/", headers);

        Assert.Equal(HttpStatusCode.NoContent, nothing.StatusCode);
        Assert.False(nothing.TouchesTokens());
        Assert.Equal(HttpStatusCode.NoContent, refreshed.StatusCode);
        Assert.Equal(1, refreshed.NewPair()!.Generation);
        Assert.Equal("", await refreshed.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.Equal("expired", (await refused.JsonAsync()).GetProperty("reason").GetString());
    }

    [Theory]
    [InlineData("Sec-Fetch-Site", "same-origin")]
    [InlineData("X-Requested-With", "fetch", "Sec-Fetch-Site", "cross-site")]
    [InlineData("X-Requested-With", "fetch", "Sec-Fetch-Site", "same-site")]
    [InlineData("X-Requested-With", "fetch", "Origin", "https://elsewhere.example")]
    [InlineData("X-Requested-With", "fetch", "Origin", "null")]
    public async Task The_refresh_endpoint_refuses_whoever_is_not_a_script_of_this_site(params string[] headers)
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        site.ExpireAccessTokens();

        using var answer = await visitor.SendAsync(
            HttpMethod.Post, "/api/auth/token/refresh/", [.. headers.Chunk(2).Select(pair => (pair[0], pair[1]))]);

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Equal(0, (await site.TheSessionAsync()).Generation);
    }
}
