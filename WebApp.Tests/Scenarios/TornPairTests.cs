using System.Net;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>Scenarios 10 and 11: a cookie is missing, unreadable, of another generation or session, or there twice.</summary>
public sealed class TornPairTests
{
    [Fact]
    public async Task An_access_token_alone_serves_until_it_expires_and_is_never_turned_into_a_refresh_token()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        visitor.Pair = visitor.Pair.WithoutRefresh();

        using var served = await visitor.GetAsync("/notes");
        site.ExpireAccessTokens();
        using var over = await visitor.GetAsync("/notes");

        Assert.Equal(HttpStatusCode.OK, served.StatusCode);
        Assert.False(served.TouchesTokens());
        Assert.True(over.AsksToSignIn("expired"));
        Assert.Equal(0, (await site.TheSessionAsync()).Generation);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("garbage")]
    public async Task A_refresh_token_without_a_readable_access_token_refreshes(string? access)
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        visitor.Pair = visitor.Pair with { Access = access };

        using var answer = await visitor.GetAsync("/api/me");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(1, answer.NewPair()!.Generation);
    }

    [Fact]
    public async Task An_access_token_beside_garbage_serves_until_it_expires()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        visitor.Pair = visitor.Pair with { Refresh = "garbage" };

        using var served = await visitor.GetAsync("/notes");
        site.ExpireAccessTokens();
        using var over = await visitor.GetAsync("/notes");

        Assert.Equal(HttpStatusCode.OK, served.StatusCode);
        Assert.True(over.AsksToSignIn("expired"));
        Assert.False(over.TouchesTokens());
    }

    [Fact]
    public async Task Halves_of_two_generations_prove_nothing_seen()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        var old = visitor.Pair;
        site.ExpireAccessTokens();
        using var rotated = await visitor.GetAsync("/api/me");
        var current = visitor.Pair;

        using var torn = visitor.Twin();
        torn.Pair = new CookiePair(current.Access, old.Refresh);
        using var served = await torn.GetAsync("/api/me");

        // Had the torn pair proved anything, a proof would be ahead of this one in the queue and this one would not be the first.
        await visitor.ProveReceiptAsync();
        Assert.Equal(HttpStatusCode.OK, served.StatusCode);
        Assert.Equal(1, site.Database.Count(DatabaseProbe.Seen));
    }

    [Fact]
    public async Task Halves_of_two_sessions_let_the_access_half_serve_and_the_refresh_half_refresh()
    {
        await using var site = Site.Start();
        using var ada = await Visitor.SignedInAsync(site, "ada");
        using var bob = await Visitor.SignedInAsync(site, "bob");
        using var torn = new Visitor(site) { Pair = new CookiePair(ada.Pair.Access, bob.Pair.Refresh) };

        using var first = await torn.GetAsync("/api/me");
        site.ExpireAccessTokens();
        using var second = await torn.GetAsync("/api/me");

        Assert.Equal("ada", (await first.JsonAsync()).GetProperty("name").GetString());
        Assert.Equal("bob", (await second.JsonAsync()).GetProperty("name").GetString());
    }

    [Fact]
    public async Task Of_two_cookies_with_one_name_the_genuine_one_counts_and_the_stray_one_is_expired_with_the_next_pair()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        var pair = visitor.Pair;
        using var plain = new Visitor(site);
        (string, string)[] Cookies(string access, string refresh) =>
            [("Cookie", $"access_token=stray; refresh_token=stray; access_token={access}; refresh_token={refresh}")];
        (string, string)[] Reversed(string access, string refresh) =>
            [("Cookie", $"access_token={access}; refresh_token={refresh}; access_token=stray; refresh_token=stray")];

        using var served = await plain.GetAsync("/notes", Cookies(pair.Access!, pair.Refresh!));
        using var servedReversed = await plain.GetAsync("/notes", Reversed(pair.Access!, pair.Refresh!));
        site.ExpireAccessTokens();
        using var refreshed = await plain.GetAsync("/notes/edit/1", Cookies(pair.Access!, pair.Refresh!));

        Assert.Equal(HttpStatusCode.OK, served.StatusCode);
        Assert.False(served.TouchesTokens());
        Assert.Equal(HttpStatusCode.OK, servedReversed.StatusCode);
        Assert.Equal(1, refreshed.NewPair()!.Generation);
        Assert.Equal(
            ["/notes", "/notes/edit", "/notes/edit/1"],
            refreshed.SetCookies()
                .Where(cookie => cookie.Name == "refresh_token" && cookie.MaxAge == TimeSpan.Zero)
                .Select(cookie => cookie.Path.Value));
    }
}
