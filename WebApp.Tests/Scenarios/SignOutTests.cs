using System.Net;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>Scenarios 31, 32 and 33, and invariant 5: signing out wins.</summary>
public sealed class SignOutTests
{
    private const string SignOutForm = "form[action='/logout']";

    [Fact]
    public async Task Signing_out_ends_the_session_and_clears_both_cookies()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        using var copy = visitor.Twin();
        await visitor.OpenAsync("/notes");

        var page = await visitor.SubmitAsync(SignOutForm);

        Assert.Equal("/", new Uri(page.Url).AbsolutePath);
        Assert.Equal(new CookiePair(null, null), visitor.Pair);
        Assert.Equal("revoked", (await site.TheSessionAsync()).RevokedReason);
        using var dead = await copy.GetAsync("/notes");
        Assert.True(dead.AsksToSignIn("revoked"));
    }

    [Fact]
    public async Task The_access_token_of_a_session_that_was_signed_out_is_refused_without_asking_the_database()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        using var copy = visitor.Twin();
        await visitor.OpenAsync("/notes");
        await visitor.SubmitAsync(SignOutForm);
        site.Database.Forget();

        using var page = await copy.GetAsync("/notes");
        copy.Pair = copy.Pair.WithoutRefresh();
        using var program = await copy.GetAsync("/api/me");

        Assert.True(page.AsksToSignIn("revoked"));
        Assert.Equal("revoked", (await program.JsonAsync()).GetProperty("reason").GetString());
        Assert.Empty(site.Database.Statements);
    }

    [Fact]
    public async Task Signing_out_wins_over_a_refresh_that_is_under_way()
    {
        // Scenario 31: the rotation was decided before the sign-out, its answer leaves after it.
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        await visitor.OpenAsync("/notes");
        using var tab = visitor.Twin();
        site.ExpireAccessTokens();
        var slow = site.Database.Hold("\"Notes\"");
        var underWay = tab.GetAsync("/notes");
        await slow.Arrived;

        await visitor.SubmitAsync(SignOutForm);
        slow.Open();
        using var answer = await underWay;

        Assert.False(answer.TouchesTokens());
        Assert.Equal("revoked", (await site.TheSessionAsync()).RevokedReason);
    }

    [Fact]
    public async Task A_rotation_that_comes_to_the_database_after_the_sign_out_is_refused()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        await visitor.OpenAsync("/notes");
        using var tab = visitor.Twin();
        site.Time.Advance(Site.AccessTokenLifetime - TimeSpan.FromSeconds(1));
        tab.Pair = tab.Pair.WithoutAccess();
        var gate = site.Database.Hold(DatabaseProbe.Rotation);
        var underWay = tab.GetAsync("/notes");
        await gate.Arrived;

        await visitor.SubmitAsync(SignOutForm);
        gate.Open();
        using var answer = await underWay;

        Assert.True(answer.AsksToSignIn("revoked"));
        Assert.False(answer.TouchesTokens());
        Assert.Equal(0, (await site.TheSessionAsync()).Generation);
    }

    [Fact]
    public async Task A_pair_that_arrives_after_the_sign_out_is_dead_and_the_next_page_asks_to_sign_in()
    {
        // Scenario 32: the refresh's Set-Cookie was on its way while the person signed out.
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        await visitor.OpenAsync("/notes");
        using var tab = visitor.Twin();
        site.ExpireAccessTokens();
        using var onItsWay = await tab.GetAsync("/notes");
        await visitor.SubmitAsync(SignOutForm);

        visitor.Pair = onItsWay.NewPair()!;
        using var next = await visitor.GetAsync("/notes");

        Assert.True(next.AsksToSignIn("revoked"));
    }

    [Fact]
    public async Task A_refresh_of_the_old_session_sets_no_cookies_once_somebody_else_has_signed_in()
    {
        // Scenario 33.
        await using var site = Site.Start();
        using var browser = await Visitor.SignedInAsync(site, "ada");
        using var tab = browser.Twin();
        site.ExpireAccessTokens();
        var slow = site.Database.Hold("\"Notes\"");
        var underWay = tab.GetAsync("/notes");
        await slow.Arrived;

        await browser.OpenAsync("/logout");
        await browser.SubmitAsync("main form");
        await browser.OpenAsync("/login?returnUrl=%2F");
        await browser.SubmitAsync("main form", ("Input.UserName", "bob"), ("Input.Password", "Correct-Horse-2"));
        slow.Open();
        using var late = await underWay;

        Assert.False(late.TouchesTokens());
        using var me = await browser.GetAsync("/api/me");
        Assert.Equal("bob", (await me.JsonAsync()).GetProperty("name").GetString());
    }

    [Fact]
    public async Task Signing_out_while_the_database_is_down_is_a_503_that_clears_nothing()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        await visitor.OpenAsync("/notes");
        var before = visitor.Pair;
        site.Database.IsDown = true;

        var page = await visitor.SubmitAsync(SignOutForm);
        site.Database.IsDown = false;

        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.StatusCode);
        Assert.Equal(before, visitor.Pair);
        Assert.Null((await site.TheSessionAsync()).RevokedAt);
    }

    [Fact]
    public async Task Signing_out_of_a_session_that_is_already_over_says_so_and_is_no_error()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        using var tab = visitor.Twin();
        await tab.OpenAsync("/notes");
        await visitor.OpenAsync("/notes");
        await visitor.SubmitAsync(SignOutForm);

        var page = await tab.SubmitAsync(SignOutForm);

        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Contains("signed out", page.Body!.TextContent, StringComparison.OrdinalIgnoreCase);
    }
}
