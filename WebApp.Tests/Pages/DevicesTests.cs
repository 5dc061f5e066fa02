using System.Net;
using Microsoft.EntityFrameworkCore;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Pages;

/// <summary><c>/account/sessions</c>: where a person is signed in, and a way to end it.</summary>
public sealed class DevicesTests
{
    private const string Firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

    [Fact]
    public async Task Each_device_is_named_in_words_and_this_one_is_marked()
    {
        await using var site = Site.Start();
        using var here = await Visitor.SignedInAsync(site);
        using var there = await Visitor.SignedInAsync(site);
        await site.InDatabaseAsync(db => db.Sessions.Where(row => row.Id == there.Pair.Session)
            .ExecuteUpdateAsync(row => row.SetProperty(each => each.UserAgent, Firefox).SetProperty(each => each.IpAddress, "203.0.113.7")));

        var page = await here.OpenAsync("/account/sessions");

        var rows = page.QuerySelectorAll("ul.rows > li");
        Assert.Equal(2, rows.Length);
        var marked = Assert.Single(rows, row => row.TextContent.Contains("this device", StringComparison.Ordinal));
        Assert.Null(marked.QuerySelector("form"));
        var other = Assert.Single(rows, row => row != marked);
        Assert.Contains("Firefox on Linux", other.TextContent, StringComparison.Ordinal);
        Assert.Contains("203.0.113.7", other.TextContent, StringComparison.Ordinal);
        Assert.NotNull(other.QuerySelector("form"));
    }

    [Fact]
    public async Task Ending_a_device_signs_it_out_at_once_and_tells_it_why()
    {
        await using var site = Site.Start();
        using var here = await Visitor.SignedInAsync(site);
        using var there = await Visitor.SignedInAsync(site);
        await here.OpenAsync("/account/sessions");

        await here.SubmitAsync("ul.rows form");

        Assert.Contains("One session was ended.", here.Page.Body!.TextContent, StringComparison.Ordinal);
        using var ended = await there.GetAsync("/notes");
        Assert.True(ended.AsksToSignIn("revoked"));
        using var alive = await here.GetAsync("/notes");
        Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
        Assert.Equal(1, await site.InDatabaseAsync(db => db.SecurityEvents.CountAsync(each => each.Kind == SecurityEventKinds.Ended)));
    }

    [Fact]
    public async Task Ending_all_others_leaves_this_one()
    {
        await using var site = Site.Start();
        using var here = await Visitor.SignedInAsync(site);
        var others = new List<Visitor>();
        for (var i = 0; i < 3; i++)
        {
            others.Add(await Visitor.SignedInAsync(site));
        }

        using var bob = await Visitor.SignedInAsync(site, "bob");
        await here.OpenAsync("/account/sessions");
        await here.SubmitAsync("form[action*='EndOthers' i]");

        Assert.Contains("3 sessions were ended.", here.Page.Body!.TextContent, StringComparison.Ordinal);
        foreach (var other in others)
        {
            using var ended = await other.GetAsync("/notes");
            Assert.True(ended.AsksToSignIn("revoked"));
            other.Dispose();
        }

        using var alive = await here.GetAsync("/notes");
        using var bobs = await bob.GetAsync("/notes");
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (alive.StatusCode, bobs.StatusCode));
        Assert.Equal(1, await site.InDatabaseAsync(db => db.SecurityEvents.CountAsync(each => each.Kind == SecurityEventKinds.OthersEnded)));
    }

    [Fact]
    public async Task A_session_of_somebody_else_is_neither_shown_nor_ended()
    {
        await using var site = Site.Start();
        using var ada = await Visitor.SignedInAsync(site);
        using var bob = await Visitor.SignedInAsync(site, "bob");
        using var second = await Visitor.SignedInAsync(site);
        var page = await ada.OpenAsync("/account/sessions");
        Assert.DoesNotContain(bob.Pair.Session.ToString("N"), page.Source.Text, StringComparison.Ordinal);

        await ada.SubmitAsync("ul.rows form", ("id", bob.Pair.Session.ToString("N")));

        using var alive = await bob.GetAsync("/notes");
        Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
    }

    [Fact]
    public async Task Ended_and_expired_sessions_are_not_listed()
    {
        await using var site = Site.Start();
        using var old = await Visitor.SignedInAsync(site);
        site.Leap(TimeSpan.FromDays(15));
        using var here = await Visitor.SignedInAsync(site);
        using var ended = await Visitor.SignedInAsync(site);
        await ended.OpenAsync("/logout");
        await ended.SubmitAsync("main form");
        using var beyond = await Visitor.SignedInAsync(site);
        await site.InDatabaseAsync(db => db.Sessions.Where(row => row.Id == beyond.Pair.Session)
            .ExecuteUpdateAsync(row => row.SetProperty(each => each.ExpiresAt, site.Time.GetUtcNow())));

        var page = await here.OpenAsync("/account/sessions");

        Assert.Single(page.QuerySelectorAll("ul.rows > li"));
    }

    [Fact]
    public async Task A_form_that_names_this_very_session_does_not_end_it()
    {
        await using var site = Site.Start();
        using var here = await Visitor.SignedInAsync(site);
        using var there = await Visitor.SignedInAsync(site);
        await here.OpenAsync("/account/sessions");

        await here.SubmitAsync("ul.rows form", ("id", here.Pair.Session.ToString("N")));

        using var alive = await here.GetAsync("/notes");
        Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
    }

    [Fact]
    public async Task Where_there_are_no_others_ending_them_is_not_recorded()
    {
        await using var site = Site.Start();
        using var here = await Visitor.SignedInAsync(site);
        using var there = await Visitor.SignedInAsync(site);
        await here.OpenAsync("/account/sessions");
        await there.OpenAsync("/logout");
        await there.SubmitAsync("main form");
        site.Time.Advance(TimeSpan.FromSeconds(1));

        await here.SubmitAsync("form[action*='EndOthers' i]");

        Assert.Equal(0, await site.InDatabaseAsync(db => db.SecurityEvents.CountAsync(each => each.Kind == SecurityEventKinds.OthersEnded)));
    }
}
