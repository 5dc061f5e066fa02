using System.Net;
using Microsoft.EntityFrameworkCore;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>Scenarios 48, 49 and 38: forms, and what happened to the session since they were opened.</summary>
public sealed class FormTests
{
    private const string NoteForm = "form:has([name='Input.Text'])";
    private const string SignInForm = "main form";

    [Fact]
    public async Task A_form_posted_at_expiry_runs_exactly_once_with_its_antiforgery_token_valid()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        await visitor.OpenAsync("/notes");
        site.ExpireAccessTokens();

        var page = await visitor.SubmitAsync(NoteForm, ("Input.Text", "Ünïcode, a\nsecond line & <b>markup</b>"));

        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Equal("/notes", new Uri(page.Url).AbsolutePath);
        var note = await site.InDatabaseAsync(db => db.Notes.SingleAsync());
        Assert.Equal("Ünïcode, a\nsecond line & <b>markup</b>", note.Text);
        Assert.Equal(1, (await site.TheSessionAsync()).Generation);
        Assert.Equal(1, visitor.Pair.Generation);
    }

    [Fact]
    public async Task A_form_posted_twice_at_expiry_by_a_double_click_runs_as_often_as_it_was_sent()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        var page = await visitor.OpenAsync("/notes");
        var token = page.QuerySelector($"{NoteForm} [name='__RequestVerificationToken']")!.GetAttribute("value")!;
        site.ExpireAccessTokens();
        Dictionary<string, string> fields = new() { ["Input.Text"] = "twice", ["__RequestVerificationToken"] = token };

        var answers = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ =>
            visitor.SendAsync(HttpMethod.Post, "/notes", new FormUrlEncodedContent(fields), CancellationToken.None)));

        Assert.All(answers, answer => Assert.Equal("/notes", answer.Headers.Location?.OriginalString));
        Assert.Equal(2, await site.InDatabaseAsync(db => db.Notes.CountAsync()));
        Assert.Equal(1, (await site.TheSessionAsync()).Generation);
    }

    [Fact]
    public async Task A_form_that_was_open_for_hours_is_accepted_although_another_tab_refreshed_meanwhile()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        await visitor.OpenAsync("/notes");
        for (var hour = 1; hour <= 5; hour++)
        {
            site.Leap(TimeSpan.FromHours(1));
            using var otherTab = await visitor.GetAsync("/api/me");
            Assert.Equal(hour, visitor.Pair.Generation);
        }

        await visitor.SubmitAsync(NoteForm, ("Input.Text", "typed for hours"));

        Assert.Equal("typed for hours", (await site.InDatabaseAsync(db => db.Notes.SingleAsync())).Text);
    }

    [Fact]
    public async Task A_form_with_a_dead_session_is_not_run_and_its_sender_is_asked_to_sign_in()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        await visitor.OpenAsync("/notes");
        site.Leap(TimeSpan.FromDays(20));

        var page = await visitor.SubmitAsync(NoteForm, ("Input.Text", "too late"));

        Assert.Equal("/login", new Uri(page.Url).AbsolutePath);
        Assert.Contains("returnUrl=%2Fkept%2F", page.Url, StringComparison.Ordinal);
        Assert.Equal(0, await site.InDatabaseAsync(db => db.Notes.CountAsync()));
    }

    [Fact]
    public async Task Somebody_elses_form_is_refused()
    {
        await using var site = Site.Start();
        using var bob = await Visitor.SignedInAsync(site, "bob");
        using var ada = await Visitor.SignedInAsync(site, "ada");
        await bob.OpenAsync("/notes");
        bob.Pair = ada.Pair;

        var page = await bob.SubmitAsync(NoteForm, ("Input.Text", "not hers"));

        Assert.Equal(HttpStatusCode.BadRequest, page.StatusCode);
        Assert.Equal(0, await site.InDatabaseAsync(db => db.Notes.CountAsync()));
    }

    [Fact]
    public async Task Signing_in_in_two_tabs_at_once_leaves_both_tabs_working()
    {
        await using var site = Site.Start();
        using var tab = new Visitor(site);
        var page = await tab.OpenAsync("/login?returnUrl=%2Fnotes");
        var token = page.QuerySelector($"{SignInForm} [name='__RequestVerificationToken']")!.GetAttribute("value")!;
        Dictionary<string, string> fields = new()
        {
            ["Input.UserName"] = "ada",
            ["Input.Password"] = "Correct-Horse-1",
            ["__RequestVerificationToken"] = token,
        };

        var answers = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => tab.SendAsync(
            HttpMethod.Post, "/login?returnUrl=%2Fnotes", new FormUrlEncodedContent(fields), CancellationToken.None)));
        var second = await tab.SubmitAsync(SignInForm, ("Input.UserName", "ada"), ("Input.Password", "Correct-Horse-1"));
        using var notes = await tab.GetAsync("/notes");

        Assert.All(answers, answer => Assert.Equal("/notes", answer.Headers.Location?.OriginalString));
        Assert.Equal("/notes", new Uri(second.Url).AbsolutePath);
        Assert.Equal(HttpStatusCode.OK, notes.StatusCode);
    }

    /// <summary>Each of the two is given an antiforgery cookie, and the browser keeps the last.</summary>
    [Theory]
    [InlineData("same-origin", "/notes")]
    [InlineData("same-site", null)]
    [InlineData("cross-site", null)]
    [InlineData("none", null)]
    [InlineData(null, null)]
    public async Task Of_two_tabs_that_opened_their_first_form_at_once_both_sign_in_if_the_browser_vouches_for_it(string? from, string? to)
    {
        await using var site = Site.Start();
        using var tab = new Visitor(site);
        using var other = new Visitor(site);
        var page = await other.OpenAsync("/login?returnUrl=%2Fnotes");
        await tab.OpenAsync("/login?returnUrl=%2Fnotes");
        Dictionary<string, string> fields = new()
        {
            ["Input.UserName"] = "ada",
            ["Input.Password"] = "Correct-Horse-1",
            ["__RequestVerificationToken"] = page.QuerySelector($"{SignInForm} [name='__RequestVerificationToken']")!.GetAttribute("value")!,
        };

        using var answer = await tab.SendAsync(
            HttpMethod.Post,
            "/login?returnUrl=%2Fnotes",
            new FormUrlEncodedContent(fields),
            CancellationToken.None,
            from is null ? [] : [("Sec-Fetch-Site", from)]);

        Assert.Equal(to, answer.Headers.Location?.OriginalString);
        Assert.Equal(to is null, tab.Pair.Access is null);
    }

    [Fact]
    public async Task Signing_in_ends_the_session_that_the_browser_presented_before()
    {
        await using var site = Site.Start();
        using var browser = await Visitor.SignedInAsync(site, "ada");
        var former = browser.Pair;
        site.ExpireAccessTokens();

        using var answer = await browser.SendAsync(HttpMethod.Post, "/sign-in-as?name=bob");

        Assert.Equal(answer.NewPair(), browser.Pair);
        Assert.Equal("bob", browser.Pair.Claim("name"));
        Assert.Equal(0, browser.Pair.Generation);
        Assert.NotNull((await site.SessionAsync(former.Session)).RevokedAt);
        Assert.Null((await site.SessionAsync(browser.Pair.Session)).RevokedAt);
    }
}
