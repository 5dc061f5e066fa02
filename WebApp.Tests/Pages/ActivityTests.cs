using System.Net;
using Microsoft.EntityFrameworkCore;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Pages;

/// <summary><c>/account/activity</c>: what happened, in sentences; and what a person is shown after a theft.</summary>
public sealed class ActivityTests
{
    [Fact]
    public async Task A_sign_in_a_failed_one_and_a_lost_response_are_told_in_sentences_the_newest_first()
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site);
        await visitor.OpenAsync("/login");
        await visitor.SubmitAsync("main form", ("Input.UserName", "ada"), ("Input.Password", "wrong"));
        await KindAsync(site, SecurityEventKinds.SignInFailed);
        site.Time.Advance(TimeSpan.FromSeconds(1));
        await visitor.SignInAsync();
        var spent = visitor.Pair;
        site.ExpireAccessTokens();
        using var lost = await visitor.GetAsync("/notes");
        visitor.Pair = spent;
        site.Leap(Site.ReplayWindow * 3);
        using var replayed = await visitor.GetAsync("/notes");
        await KindAsync(site, SecurityEventKinds.Replayed);

        var page = await visitor.OpenAsync("/account/activity");

        Assert.Equal(
            ["An answer of ours was lost", "You signed in.", "Somebody tried to sign in"],
            page.QuerySelectorAll("ol.rows > li").Select(row => row.QuerySelector("p")!.TextContent.Trim())
                .Select(text => text.StartsWith("An answer", StringComparison.Ordinal) ? text[..26] : text.StartsWith("Somebody", StringComparison.Ordinal) ? text[..25] : text));
    }

    [Fact]
    public async Task A_refused_refresh_is_told_once_however_often_the_dead_cookie_comes_back()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        site.Leap(TimeSpan.FromDays(31));
        for (var i = 0; i < 5; i++)
        {
            site.Leap(TimeSpan.FromMinutes(2));
            using var refused = await visitor.GetAsync("/notes");
            Assert.True(refused.AsksToSignIn("expired"));
        }

        await KindAsync(site, SecurityEventKinds.RefreshRefused);
        Assert.Equal(1, await site.InDatabaseAsync(db => db.SecurityEvents.CountAsync(each => each.Kind == SecurityEventKinds.RefreshRefused)));
    }

    [Fact]
    public async Task After_a_copy_was_found_out_the_next_sign_in_says_so_and_secures_the_account()
    {
        await using var site = Site.Start();
        using var other = await StealAsync(site);
        using var owner = new Visitor(site);

        await owner.SignInAsync();
        Assert.Equal("/account/notice", new Uri(owner.Page.Url).AbsolutePath);
        Assert.Contains("Somebody used a copy", owner.Page.Body!.TextContent, StringComparison.Ordinal);
        await owner.SubmitAsync("form[action*='Secure' i]");

        Assert.Equal("/account/password", new Uri(owner.Page.Url).AbsolutePath);
        using var ended = await other.GetAsync("/notes");
        Assert.True(ended.AsksToSignIn("revoked"));
        using var again = new Visitor(site);
        await again.SignInAsync();
        Assert.Equal("/notes", new Uri(again.Page.Url).AbsolutePath);
    }

    [Fact]
    public async Task It_is_shown_until_the_owner_has_chosen_and_leads_on_to_where_they_wanted_to_go()
    {
        await using var site = Site.Start();
        using var other = await StealAsync(site);
        using var first = new Visitor(site);
        await first.SignInAsync();
        Assert.Equal("/account/notice", new Uri(first.Page.Url).AbsolutePath);

        using var second = new Visitor(site);
        await second.OpenAsync("/account/activity");
        await second.SubmitAsync("main form", ("Input.UserName", "ada"), ("Input.Password", "Correct-Horse-1"));
        Assert.Equal("/account/notice", new Uri(second.Page.Url).AbsolutePath);
        await second.SubmitAsync("form[action*='GoOn' i]");

        Assert.Equal("/account/activity", new Uri(second.Page.Url).AbsolutePath);
        Assert.Contains("Please look:", second.Page.Body!.TextContent, StringComparison.Ordinal);
        using var alive = await other.GetAsync("/notes");
        Assert.False(alive.AsksToSignIn());
    }

    [Fact]
    public async Task Many_events_are_paged_without_a_gap()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        var user = new UserId((await site.TheSessionAsync()).UserId);
        await site.InDatabaseAsync(async db =>
        {
            for (var i = 0; i < 120; i++)
            {
                // Many at the same moment.
                db.SecurityEvents.Add(SecurityEvent.Of(
                    SecurityEventKinds.SignInFailed, user, null, new ClientInfo("", $"192.0.2.{i}"), site.Time.GetUtcNow().AddSeconds(-(i / 40))));
            }

            return await db.SaveChangesAsync();
        });

        var seen = new List<string>();
        var page = await visitor.OpenAsync("/account/activity");
        while (true)
        {
            seen.AddRange(page.QuerySelectorAll("ol.rows > li").Select(row => row.TextContent).Where(text => text.Contains("192.0.2.", StringComparison.Ordinal)));
            if (page.QuerySelector("a[href*='before=']") is not { } older)
            {
                break;
            }

            page = await visitor.OpenAsync(older.GetAttribute("href")!);
        }

        Assert.Equal(120, seen.Distinct().Count());
        Assert.Equal(120, seen.Count);
    }

    [Fact]
    public async Task What_happened_to_somebody_else_is_not_shown()
    {
        await using var site = Site.Start();
        using var bob = new Visitor(site);
        await bob.SignInAsync("bob", "Correct-Horse-2");
        using var ada = await Visitor.SignedInAsync(site);
        await Waiting.UntilAsync(async () => await site.InDatabaseAsync(db => db.SecurityEvents.CountAsync()) == 2);

        Assert.Single((await bob.OpenAsync("/account/activity")).QuerySelectorAll("ol.rows > li"));
        Assert.Single((await ada.OpenAsync("/account/activity")).QuerySelectorAll("ol.rows > li"));
    }

    [Fact]
    public async Task A_copy_that_is_found_out_while_another_is_shown_is_shown_as_well()
    {
        await using var site = Site.Start();
        using var other = await StealAsync(site);
        using var owner = new Visitor(site);
        await owner.SignInAsync();
        site.Leap(TimeSpan.FromSeconds(1));
        using var again = await StealAsync(site);

        await owner.SubmitAsync("form[action*='GoOn' i]");

        using var next = new Visitor(site);
        await next.SignInAsync();
        Assert.Equal("/account/notice", new Uri(next.Page.Url).AbsolutePath);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("999999999999999999-1")]
    [InlineData("-1-1")]
    public async Task A_place_that_cannot_be_read_is_the_first_page(string place)
    {
        await using var site = Site.Start();
        using var ada = await Visitor.SignedInAsync(site);

        using var answer = await ada.GetAsync($"/account/activity?before={place}");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    /// <summary>A copy of a session that was found out, and another session of the same person.</summary>
    private static async Task<Visitor> StealAsync(Site site)
    {
        using var victim = await Visitor.SignedInAsync(site);
        using var thief = victim.Twin();
        var other = await Visitor.SignedInAsync(site);
        site.ExpireAccessTokens();
        using var rotated = await victim.GetAsync("/api/me");
        await victim.ProveReceiptAsync();
        site.Leap(Site.ReplayWindow + TimeSpan.FromSeconds(1));
        using var caught = await thief.GetAsync("/api/me");
        Assert.Equal("reuse", (await caught.JsonAsync()).GetProperty("reason").GetString());
        return other;
    }

    /// <summary>Waits until an event of that kind is written.</summary>
    private static Task KindAsync(Site site, string kind) =>
        Waiting.UntilAsync(() => site.InDatabaseAsync(db => db.SecurityEvents.AnyAsync(each => each.Kind == kind)));
}
