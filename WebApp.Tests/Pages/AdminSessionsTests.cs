using System.Net;
using Microsoft.EntityFrameworkCore;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Pages;

/// <summary><c>/admin/sessions</c>: everybody's sessions, for the role Admin.</summary>
public sealed class AdminSessionsTests
{
    [Fact]
    public async Task It_is_open_to_administrators_alone()
    {
        await using var site = Site.Start();
        using var bob = await Visitor.SignedInAsync(site, "bob");
        using var nobody = new Visitor(site);

        using var forbidden = await bob.GetAsync("/admin/sessions");
        using var asked = await nobody.GetAsync("/admin/sessions");

        Assert.Equal(HttpStatusCode.Forbidden, forbidden.StatusCode);
        Assert.True(asked.AsksToSignIn());
        Assert.Null((await bob.OpenAsync("/notes")).QuerySelector("a[href='/admin/sessions']"));
    }

    [Fact]
    public async Task An_administrator_finds_a_person_by_name_or_address_and_ends_a_session_of_theirs()
    {
        await using var site = Site.Start();
        using var ada = await Visitor.SignedInAsync(site);
        using var bob = await Visitor.SignedInAsync(site, "bob");
        await site.InDatabaseAsync(db => db.Users.Where(user => user.UserName == "bob")
            .ExecuteUpdateAsync(user => user.SetProperty(each => each.NormalizedEmail, "BOB@EXAMPLE.ORG")));
        foreach (var text in (string[])["bob", " Bob ", "bob@example.org"])
        {
            var page = await ada.OpenAsync($"/admin/sessions?person={Uri.EscapeDataString(text)}");
            Assert.Equal("bob", Assert.Single(page.QuerySelectorAll("tbody tr")).QuerySelector("th")!.TextContent.Trim());
        }

        await ada.SubmitAsync("tbody form");

        Assert.Contains("One session was ended.", ada.Page.Body!.TextContent, StringComparison.Ordinal);
        using var ended = await bob.GetAsync("/notes");
        Assert.True(ended.AsksToSignIn("ended_by_administrator"));
        var login = await bob.OpenAsync("/notes");
        Assert.Contains("An administrator has ended your session", login.Body!.TextContent, StringComparison.Ordinal);
        using var program = await bob.GetAsync("/api/me");
        Assert.Equal("revoked", (await program.JsonAsync()).GetProperty("reason").GetString());
    }

    [Fact]
    public async Task All_sessions_of_a_person_are_ended_at_once()
    {
        await using var site = Site.Start();
        using var ada = await Visitor.SignedInAsync(site);
        using var first = await Visitor.SignedInAsync(site, "bob");
        using var second = await Visitor.SignedInAsync(site, "bob");
        await ada.OpenAsync("/admin/sessions?person=bob");

        await ada.SubmitAsync("form[action*='EndAll' i]");

        Assert.Contains("2 sessions were ended.", ada.Page.Body!.TextContent, StringComparison.Ordinal);
        foreach (var bob in (Visitor[])[first, second])
        {
            using var ended = await bob.GetAsync("/notes");
            Assert.True(ended.AsksToSignIn("ended_by_administrator"));
        }
    }

    [Fact]
    public async Task A_name_that_nobody_has_is_said_and_shown_as_text()
    {
        await using var site = Site.Start();
        using var ada = await Visitor.SignedInAsync(site);

        var page = await ada.OpenAsync("/admin/sessions?person=" + Uri.EscapeDataString("<b>x</b>"));

        Assert.Contains("There is no account <b>x</b>.", page.Body!.TextContent, StringComparison.Ordinal);
        Assert.Null(page.QuerySelector("table"));
    }

    [Fact]
    public async Task Pages_follow_each_other_without_a_gap_even_among_sessions_of_one_moment()
    {
        await using var site = Site.Start();
        using var ada = await Visitor.SignedInAsync(site);
        var mine = await site.TheSessionAsync();
        await site.InDatabaseAsync(async db =>
        {
            for (var i = 0; i < 130; i++)
            {
                db.Sessions.Add(new SessionRow
                {
                    Id = Guid.NewGuid(),
                    UserId = mine.UserId,
                    SecurityStamp = "",
                    CreatedAt = mine.CreatedAt,
                    RotatedAt = mine.RotatedAt,
                    LastUsedAt = mine.LastUsedAt.AddSeconds(-(i / 60)),
                    ExpiresAt = mine.ExpiresAt,
                    Transport = SessionTransport.Cookie,
                    UserAgent = "",
                    IpAddress = $"192.0.2.{i}",
                });
            }

            return await db.SaveChangesAsync();
        });

        var seen = new List<string>();
        var pages = 0;
        var page = await ada.OpenAsync("/admin/sessions");
        while (true)
        {
            pages++;
            seen.AddRange(page.QuerySelectorAll("tbody tr").Select(row => row.QuerySelectorAll("td")[1].TextContent));
            if (page.QuerySelector("a[href*='after=']") is not { } older)
            {
                break;
            }

            page = await ada.OpenAsync(older.GetAttribute("href")!);
        }

        Assert.Equal((3, 131, 131), (pages, seen.Count, seen.Distinct().Count()));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("99999999999999999999-00000000000000000000000000000000")]
    [InlineData("999999999999999999-00000000000000000000000000000000")]
    [InlineData("-1-x")]
    public async Task A_place_that_cannot_be_read_is_the_first_page(string place)
    {
        await using var site = Site.Start();
        using var ada = await Visitor.SignedInAsync(site);

        using var answer = await ada.GetAsync($"/admin/sessions?after={place}");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }
}
