using System.Net;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;
using Microsoft.EntityFrameworkCore;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tests.Lab;
using Xunit;

namespace WebApp.Tests.Pages;

/// <summary><c>/lab</c>: fires a storm at the running site, or at the same code without its guards, and shows who was signed out.</summary>
public sealed class LabTests
{
    [Theory]
    [InlineData("Reload")]
    [InlineData("Rotate")]
    [InlineData("Lock")]
    public async Task A_naive_strategy_signs_its_person_out_and_that_is_said_in_red(string strategy)
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site);

        var page = await visitor.FireAsync(strategy);

        Assert.StartsWith("Signed out.", page.Verdict(), StringComparison.Ordinal);
        Assert.NotNull(page.QuerySelector("#verdict.problem"));
        Assert.Equal(1, page.Counted("Rotations of the session"));
        Assert.InRange(page.Counted("Refused: sign in again"), 19, 20);
        Assert.Equal(page.Counted("Refused: sign in again") + 4, page.Drawn("refused"));
        Assert.Equal("4 of 4", page.Said("Tabs signed out afterwards"));
        Assert.Equal(2, page.QuerySelectorAll("#outcome tr.alarm").Length);
    }

    [Fact]
    public async Task This_site_rotates_once_and_signs_nobody_out()
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site);

        var page = await visitor.FireAsync("Site");

        Assert.StartsWith("Nobody was signed out. 20 of 20 requests", page.Verdict(), StringComparison.Ordinal);
        Assert.Null(page.QuerySelector("#verdict.problem, tr.alarm"));
        Assert.Equal(1, page.Counted("Rotations of the session"));
        Assert.Equal((1, 19, 4), (page.Drawn("rotated"), page.Drawn("replayed"), page.Drawn("valid")));
        Assert.Equal((1, 19, 0), (page.Counted("Rotated"), page.Counted("Given the same successor"), page.Counted("Refused: sign in again")));
        Assert.Equal("0 of 4", page.Said("Tabs signed out afterwards"));
        Assert.Equal(1, site.Database.Changed(DatabaseProbe.Rotation));
    }

    [Theory]
    [InlineData(50, 10)]
    [InlineData(100, 20)]
    public async Task Lost_answers_sign_nobody_out_of_this_site(int percent, int lost)
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site);

        var page = await visitor.FireAsync("Site", lost: percent);

        Assert.StartsWith("Nobody was signed out.", page.Verdict(), StringComparison.Ordinal);
        Assert.Equal((lost, lost), (page.Counted("Answers lost on the way"), page.Drawn("lost")));
        Assert.Equal(1, page.Counted("Rotations of the session"));
    }

    [Fact]
    public async Task One_lost_answer_is_enough_where_a_spent_token_is_good_for_nothing()
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site);

        var page = await visitor.FireAsync("Rotate", requests: 1, tabs: 1, lost: 100);

        Assert.Equal("1 of 1", page.Said("Tabs signed out afterwards"));
        Assert.Equal((1, 0), (page.Counted("Rotated"), page.Counted("Refused: sign in again")));
    }

    [Fact]
    public async Task A_single_request_at_a_time_is_no_storm_for_anybody()
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site);
        foreach (var strategy in (string[])["Reload", "Rotate", "Lock", "Site"])
        {
            var page = await visitor.FireAsync(strategy, requests: 1, tabs: 3);

            Assert.Equal("0 of 3", page.Said("Tabs signed out afterwards"));
        }
    }

    [Theory]
    [InlineData("Reload")]
    [InlineData("Rotate")]
    [InlineData("Lock")]
    public async Task The_sandbox_leaves_the_database_of_the_site_alone(string strategy)
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site);
        await visitor.OpenAsync("/lab");
        site.Database.Forget();

        await visitor.FireAsync(strategy);

        Assert.Equal((0, 0), (site.Database.Count("Sessions"), site.Database.Count("AspNetUsers")));
        Assert.Equal(0, await site.InDatabaseAsync(db => db.Sessions.CountAsync()));
        Assert.Equal(0, await site.InDatabaseAsync(db => db.SecurityEvents.CountAsync()));
        Assert.DoesNotContain(site.Logs.Entries, entry => entry.Text.Contains("was ended", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_lab_is_somebody_who_cannot_sign_in_and_leaves_no_session_behind()
    {
        await using var site = Site.Start();
        using var ada = await Visitor.SignedInAsync(site);

        await ada.FireAsync("Site");
        await ada.FireAsync("Site");

        var sessions = await site.InDatabaseAsync(db => db.Sessions.AsNoTracking().ToListAsync());
        var labs = sessions.Where(row => row.UserId == LabAccount.Id).ToList();
        Assert.Equal(2, labs.Count);
        Assert.All(labs, row => Assert.Equal("revoked", row.RevokedReason));
        Assert.Null(Assert.Single(sessions, row => row.UserId != LabAccount.Id).RevokedAt);
        Assert.Null((await site.InDatabaseAsync(db => db.Users.SingleAsync(user => user.Id == LabAccount.Id))).PasswordHash);
        NoTokens.In(site.Logs);
    }

    [Theory]
    [InlineData("Requests", "0", "From 1 to 500.")]
    [InlineData("Requests", "501", "From 1 to 500.")]
    [InlineData("Requests", "-1", "From 1 to 500.")]
    [InlineData("Requests", "many", "The value 'many' is not valid.")]
    [InlineData("Requests", "", "A value is required.")]
    [InlineData("Tabs", "21", "From 1 to 20.")]
    [InlineData("Lost", "101", "From 0 to 100.")]
    [InlineData("Seed", "-7", "From 0 to 999999999.")]
    [InlineData("Strategy", "7", "The value '7' is not valid.")]
    public async Task What_is_wrong_is_said_beside_its_field_and_nothing_is_lost(string field, string value, string sentence)
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site);
        var form = new Dictionary<string, string>
        {
            ["Strategy"] = "Lock",
            ["Requests"] = "33",
            ["Tabs"] = "7",
            ["Lost"] = "12",
            ["Seed"] = "99",
            ["__RequestVerificationToken"] = (await visitor.OpenAsync("/lab")).QuerySelector("main [name=__RequestVerificationToken]")!.GetAttribute("value")!,
        };
        form[field] = value;

        using var content = new FormUrlEncodedContent(form);
        using var answer = await visitor.SendAsync(HttpMethod.Post, "/lab", content, CancellationToken.None);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        using var page = new HtmlParser().ParseDocument(await answer.Content.ReadAsStringAsync());
        Assert.Equal(sentence, page.QuerySelector($"#{field.ToLowerInvariant()}-error")!.TextContent.Trim());
        Assert.All(
            form.Where(each => each.Key is "Requests" or "Tabs" or "Lost" or "Seed"),
            each => Assert.Equal(each.Value, page.QuerySelector($"main [name={each.Key}]")!.GetAttribute("value")));
        Assert.Equal(field == "Strategy" ? [] : ["Lock"], page.QuerySelectorAll("main [name=Strategy][checked]").Select(each => each.GetAttribute("value")));
    }

    [Fact]
    public async Task Progress_is_shown_while_it_runs_and_a_second_storm_waits_for_its_turn()
    {
        await using var site = Site.Start();
        using var first = new Visitor(site);
        using var second = new Visitor(site);
        var gate = site.Database.Hold(DatabaseProbe.Rotation);
        var running = await first.StartAsync("Site");
        await gate.Arrived;
        var address = running.Url;

        Assert.Equal("0 of 24 done", running.QuerySelector("main [role=status]")!.TextContent);
        Assert.Equal("1", running.QuerySelector("head meta[http-equiv=refresh]")!.GetAttribute("content"));
        var refused = await second.StartAsync("Lock", requests: 33);

        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        Assert.StartsWith("A storm is under way here.", refused.QuerySelector("main .notice")!.TextContent, StringComparison.Ordinal);
        Assert.Equal(new Uri(address).AbsolutePath, refused.QuerySelector("main .notice a")!.GetAttribute("href"));
        Assert.Equal("33", refused.QuerySelector("main [name=Requests]")!.GetAttribute("value"));

        site.Database.StopHolding(DatabaseProbe.Rotation);
        Assert.Equal(1, (await first.ResultAsync()).Counted("Rotations of the session"));
        Assert.Equal(address, first.Page.Url);
        Assert.StartsWith("Signed out.", (await second.FireAsync("Lock")).Verdict(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/lab/runs/6f9619ff-8b86-d011-b42d-00c04fc964ff")]
    [InlineData("/lab/runs/nonsense")]
    public async Task A_run_that_is_not_known_is_not_there(string path)
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site);

        using var answer = await visitor.GetAsync(path);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task A_link_fills_the_form_in_as_it_was_and_leads_to_the_other_strategies_with_the_same_numbers()
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site);
        var page = await visitor.FireAsync("Lock", requests: 9, tabs: 3, lost: 25);
        Assert.Equal(3, page.QuerySelectorAll(".others a").Length);
        var others = page.QuerySelectorAll(".others a").Select(link => link.GetAttribute("href")!).ToList();

        await visitor.OpenAsync(page.QuerySelector("main .actions a")!.GetAttribute("href")!);
        Assert.Equal(["Lock", "9", "3", "25", "7"], Filled(visitor.Page));
        await visitor.OpenAsync(others[0]);
        Assert.Equal(["Site", "9", "3", "25", "7"], Filled(visitor.Page));

        static IEnumerable<string?> Filled(IDocument page) =>
            page.QuerySelectorAll("main [name=Strategy][checked], main .field input:not([type=hidden])").Select(each => each.GetAttribute("value"));
    }

    [Fact]
    public async Task It_speaks_the_readers_language_and_stands_in_the_navigation()
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site) { Languages = "zh" };

        var page = await visitor.FireAsync("Site");

        Assert.Equal("本站", page.QuerySelector("h1")!.TextContent);
        Assert.Equal("实验室：本站 · WebApp", page.Title);
        Assert.Equal("1", page.Said("会话轮换次数"));
        Assert.StartsWith("没有人被退出登录。", page.Verdict(), StringComparison.Ordinal);
        Assert.Equal("实验室", page.QuerySelector<IHtmlAnchorElement>(".masthead nav a[href='/lab']")!.TextContent);
    }

    [Fact]
    public async Task Nothing_in_the_picture_needs_a_style_or_a_script_of_its_own()
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site);

        var page = await visitor.FireAsync("Rotate", requests: 200, lost: 10);

        Assert.Equal(200 + 4, page.QuerySelectorAll("svg.storm g.row").Length);
        Assert.Null(page.QuerySelector("script, style, [style], [onclick], [onload]"));
        Assert.Equal("img", page.QuerySelector("svg.storm")!.GetAttribute("role"));
        Assert.NotNull(page.QuerySelector(".scroll[tabindex='0'] > svg.storm > title"));
    }
}
