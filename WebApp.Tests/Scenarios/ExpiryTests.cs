using System.Net;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>Scenarios 29 and 30, and invariant 7: what happens before, at and after a limit.</summary>
public sealed class ExpiryTests
{
    [Fact]
    public async Task Two_hundred_reloads_with_a_valid_access_token_set_no_cookie_and_ask_no_store_about_the_session()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        await visitor.ProveReceiptAsync();
        site.Database.Forget();

        for (var reload = 0; reload < 200; reload++)
        {
            using var answer = await visitor.GetAsync("/notes");
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.False(answer.TouchesTokens());
        }

        // The page's own query, and nothing else.
        Assert.Equal(200, site.Database.Statements.Count);
        Assert.All(site.Database.Statements, statement => Assert.Contains("\"Notes\"", statement, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_access_token_is_good_until_the_instant_before_its_expiry_and_refreshed_at_it()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        site.Time.Advance(Site.AccessTokenLifetime - TimeSpan.FromMilliseconds(1));
        using var before = await visitor.GetAsync("/api/me");
        site.Time.Advance(TimeSpan.FromMilliseconds(1));
        using var at = await visitor.GetAsync("/api/me");

        Assert.False(before.TouchesTokens());
        Assert.Equal(HttpStatusCode.OK, at.StatusCode);
        Assert.Equal(1, at.NewPair()!.Generation);
    }

    [Fact]
    public async Task A_page_that_crosses_the_expiry_while_it_is_made_is_served_to_the_person_who_asked()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        var slow = site.Database.Hold("\"Notes\"");
        var request = visitor.GetAsync("/notes");
        await slow.Arrived;
        site.ExpireAccessTokens();
        slow.Open();

        using var answer = await request;
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task A_session_refreshes_until_the_last_instant_of_its_absolute_limit_and_not_at_it()
    {
        await using var site = Site.Start(("Sessions:IdleTimeout", "30.00:00:00"));
        using var visitor = await Visitor.SignedInAsync(site);
        using var late = visitor.Twin();
        site.Leap(TimeSpan.FromDays(30) - TimeSpan.FromMilliseconds(1));
        using var last = await visitor.GetAsync("/notes");
        site.Time.Advance(TimeSpan.FromMilliseconds(1));
        using var over = await late.GetAsync("/notes");

        Assert.Equal(HttpStatusCode.OK, last.StatusCode);
        Assert.True(over.AsksToSignIn("expired"));
    }

    [Fact]
    public async Task A_session_that_was_used_last_exactly_its_idle_time_ago_is_over_and_a_refresh_or_a_replay_starts_that_time_anew()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        using var idle = await Visitor.SignedInAsync(site);
        var spent = visitor.Pair;

        site.Leap(TimeSpan.FromDays(14) - TimeSpan.FromMilliseconds(1));
        using var rotated = await visitor.GetAsync("/notes");
        site.Time.Advance(TimeSpan.FromMilliseconds(1));
        using var over = await idle.GetAsync("/notes");
        visitor.Pair = spent;
        site.Leap(TimeSpan.FromDays(14) - TimeSpan.FromMilliseconds(2));
        using var replayed = await visitor.GetAsync("/notes");
        site.Leap(TimeSpan.FromDays(1));
        visitor.Pair = spent;
        using var replayedAgain = await visitor.GetAsync("/notes");

        Assert.Equal(HttpStatusCode.OK, rotated.StatusCode);
        Assert.True(over.AsksToSignIn("expired"));
        Assert.Equal(HttpStatusCode.OK, replayed.StatusCode);
        Assert.Equal(HttpStatusCode.OK, replayedAgain.StatusCode);
    }

    [Fact]
    public async Task Cookies_last_as_long_as_the_browser_unless_the_person_asked_to_be_remembered_and_never_say_Expires()
    {
        await using var site = Site.Start();
        using var passing = await Visitor.SignedInAsync(site, remember: false);
        using var remembered = await Visitor.SignedInAsync(site, remember: true);
        site.Leap(TimeSpan.FromDays(10));

        using var forBrowser = await passing.GetAsync("/api/me");
        using var forSession = await remembered.GetAsync("/api/me");

        Assert.All(forBrowser.SetCookies(), cookie => Assert.Null(cookie.MaxAge));
        Assert.All(forSession.SetCookies(), cookie => Assert.Equal(TimeSpan.FromDays(20), cookie.MaxAge));
        Assert.All(forBrowser.SetCookies().Concat(forSession.SetCookies()), cookie => Assert.Null(cookie.Expires));
    }

    [Fact]
    public async Task Token_cookies_are_HttpOnly_Lax_for_the_whole_site_and_of_no_domain_and_their_response_is_not_stored()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        site.ExpireAccessTokens();
        using var answer = await visitor.GetAsync("/api/me");

        Assert.Equal(2, answer.SetCookies().Count);
        Assert.All(answer.SetCookies(), cookie =>
        {
            Assert.True(cookie.HttpOnly);
            Assert.Equal(Microsoft.Net.Http.Headers.SameSiteMode.Lax, cookie.SameSite);
            Assert.Equal("/", cookie.Path.Value);
            Assert.False(cookie.Domain.HasValue);
        });
        Assert.True(answer.Headers.CacheControl!.NoStore);
        Assert.StartsWith("refresh;desc=\"rotated\";dur=", answer.Headers.GetValues("Server-Timing").Single(), StringComparison.Ordinal);
    }
}
