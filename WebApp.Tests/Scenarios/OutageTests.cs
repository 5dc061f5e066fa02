using System.Net;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>Scenarios 9, 20, 23, 24 and 25 on one node: no fault of ours signs anybody out.</summary>
public sealed class OutageTests
{
    [Fact]
    public async Task While_the_database_is_down_valid_access_tokens_go_on_and_refreshes_answer_503_with_cookies_kept()
    {
        await using var site = Site.Start();
        using var fresh = await Visitor.SignedInAsync(site);
        using var stale = fresh.Twin();
        site.ExpireAccessTokens();
        using var refreshed = await fresh.GetAsync("/api/me");

        site.Database.IsDown = true;
        using var goesOn = await fresh.GetAsync("/api/me");
        using var page = await stale.GetAsync("/notes");
        using var open = await stale.GetAsync("/");
        using var program = await stale.GetAsync("/api/me");
        site.Database.IsDown = false;
        using var recovered = await stale.GetAsync("/notes");

        Assert.Equal(HttpStatusCode.OK, goesOn.StatusCode);
        Assert.All(new[] { page, program }, answer =>
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            Assert.NotNull(answer.Headers.RetryAfter);
            Assert.False(answer.TouchesTokens());
        });
        Assert.Equal("text/html", page.Content.Headers.ContentType!.MediaType);
        Assert.Equal("temporarily_unavailable", (await program.JsonAsync()).GetProperty("code").GetString());
        Assert.Equal(HttpStatusCode.OK, open.StatusCode);
        Assert.False(open.TouchesTokens());
        Assert.Equal(HttpStatusCode.OK, recovered.StatusCode);
        Assert.Equal(1, recovered.NewPair()!.Generation);
    }

    [Fact]
    public async Task A_page_whose_own_query_fails_says_503_and_keeps_the_refresh_it_rode_on()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        site.ExpireAccessTokens();
        site.Database.FailBefore("\"Notes\"", times: 1);

        using var answer = await visitor.GetAsync("/notes");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.NotNull(answer.Headers.RetryAfter);
        Assert.Equal(1, answer.NewPair()!.Generation);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    public async Task A_busy_or_locked_database_is_asked_again_within_the_request(int code)
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        site.ExpireAccessTokens();
        site.Database.FailBefore(DatabaseProbe.Rotation, times: 2, code);

        using var answer = await visitor.GetAsync("/api/me");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(1, answer.NewPair()!.Generation);
    }

    [Fact]
    public async Task A_commit_whose_outcome_is_unknown_is_settled_by_asking_again_which_replays()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        site.ExpireAccessTokens();
        site.Database.FailAfter(DatabaseProbe.Rotation, times: 1);

        using var answer = await visitor.GetAsync("/api/me");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(1, answer.NewPair()!.Generation);
        Assert.Contains("replayed", answer.Headers.GetValues("Server-Timing").Single(), StringComparison.Ordinal);
        Assert.Equal(1, (await site.TheSessionAsync()).Generation);
    }

    [Fact]
    public async Task A_form_sent_while_nobody_can_judge_the_session_is_not_run()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        await visitor.OpenAsync("/notes");
        site.ExpireAccessTokens();
        site.Database.IsDown = true;
        site.Database.Forget();

        var page = await visitor.SubmitAsync("form:has([name='Input.Text'])", ("Input.Text", "written in an outage"));
        site.Database.IsDown = false;

        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.StatusCode);
        Assert.Empty(site.Database.Statements);
        Assert.Equal(0, (await site.TheSessionAsync()).Generation);
    }

    [Fact]
    public async Task No_refused_or_failing_response_and_no_sign_in_page_touches_the_token_cookies()
    {
        // Scenario 9.
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        site.Leap(TimeSpan.FromDays(20));
        var paths = new[] { "/notes", "/api/me", "/", "/login", "/login?reason=expired&returnUrl=%2Fnotes", "/register", "/nowhere", "/api/nowhere" };

        foreach (var path in paths)
        {
            using var answer = await visitor.GetAsync(path);
            Assert.False(answer.TouchesTokens(), $"{path} touched the cookies.");
        }

        await visitor.OpenAsync("/login");
        var refused = await visitor.SubmitAsync("main form", ("Input.UserName", "ada"), ("Input.Password", "wrong-wrong-wrong"));
        Assert.Equal(HttpStatusCode.OK, refused.StatusCode);
        Assert.NotNull(visitor.Pair.Refresh);
    }
}
