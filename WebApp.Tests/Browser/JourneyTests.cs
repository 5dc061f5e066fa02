using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Browser;

/// <summary>Scenarios 9, 32, 38, 46, 48, 49, 50 and 52 in a real Chromium.</summary>
public sealed class JourneyTests(Chromium chromium, BrowserSite site) : IClassFixture<BrowserSite>
{
    private const string Text = "[name='Input.Text']";
    private const string Add = "form:has([name='Input.Text']) button";

    [Fact]
    public async Task A_note_typed_for_an_hour_is_offered_and_saved_once_after_its_session_was_ended_from_another_device()
    {
        await using var tabs = await Tabs.OpenAsync(chromium, site, 1);
        var page = tabs.Pages[0];
        var note = $"typed for an hour {Guid.NewGuid()}";
        await page.FillAsync(Text, note);
        await EndFromElsewhereAsync(tabs.Pair);

        await page.ClickAsync(Add);
        await page.IsAtAsync(@"/login\?");
        Assert.Contains("What you sent is not lost", await page.InnerTextAsync("main"), StringComparison.Ordinal);
        await SignInAsync(page);
        await page.IsAtAsync("/kept/");
        Assert.Contains(note, await page.InnerTextAsync("main"), StringComparison.Ordinal);
        Assert.Equal(0, await CountAsync(note));
        await page.ClickAsync("form:has([name='__kept_form']) button");
        await page.IsAtAsync("/notes$");

        Assert.Contains(note, await page.InnerTextAsync("main"), StringComparison.Ordinal);
        await page.GoBackAsync();
        await page.ReloadAsync();
        Assert.DoesNotContain(note, await page.InnerTextAsync("main"), StringComparison.Ordinal);
        Assert.Equal(1, await CountAsync(note));
    }

    [Fact]
    public async Task The_same_with_script_off()
    {
        await using var context = await chromium.ContextAsync(new() { BaseURL = site.Address.ToString(), JavaScriptEnabled = false });
        var page = await context.NewPageAsync();
        await page.GotoAsync("/login");
        await SignInAsync(page);
        await page.IsAtAsync("/notes$");
        var note = $"without a script {Guid.NewGuid()}";
        await page.FillAsync(Text, note);
        await EndFromElsewhereAsync(await PairAsync(context));

        await page.ClickAsync(Add);
        await page.IsAtAsync(@"/login\?");
        await SignInAsync(page);
        await page.ClickAsync("form:has([name='__kept_form']) button");
        await page.IsAtAsync("/notes$");

        Assert.Equal(1, await CountAsync(note));
    }

    [Fact]
    public async Task Back_after_signing_out_shows_no_private_page()
    {
        await using var tabs = await Tabs.OpenAsync(chromium, site, 1);
        var page = tabs.Pages[0];
        var note = $"private {Guid.NewGuid()}";
        await page.FillAsync(Text, note);
        await page.ClickAsync(Add);
        await page.WaitForSelectorAsync($"text={note}");
        await page.GotoAsync("/account/activity");
        await page.GotoAsync("/notes");

        await page.ClickAsync(".who button");
        await page.IsAtAsync($"^{site.Address}$");
        for (var step = 0; step < 3; step++)
        {
            await page.GoBackAsync();
            Assert.DoesNotContain(note, await page.ContentAsync(), StringComparison.Ordinal);
            Assert.DoesNotContain("Signed in as", await page.ContentAsync(), StringComparison.Ordinal);
            Assert.Equal("/login", new Uri(page.Url).AbsolutePath);
        }
    }

    [Fact]
    public async Task A_prefetched_page_neither_refreshes_nor_leads_to_the_login_page()
    {
        await using var tabs = await Tabs.OpenAsync(chromium, site, 1);
        await tabs.ExpireAsync();

        var answer = await tabs.Pages[0].RunAndWaitForResponseAsync(
            () => tabs.Pages[0].EvaluateAsync(
                "() => document.head.append(Object.assign(document.createElement('link'), { rel: 'prefetch', href: '/account' }))"),
            response => new Uri(response.Url).AbsolutePath == "/account");

        Assert.Contains("prefetch", (await answer.Request.AllHeadersAsync())["sec-purpose"], StringComparison.Ordinal);
        Assert.Equal(503, answer.Status);
        Assert.Equal(0, (await site.SessionAsync(tabs.Pair)).Generation);
        await tabs.Pages[0].GotoAsync("/account");
        Assert.Equal("/account", new Uri(tabs.Pages[0].Url).AbsolutePath);
    }

    [Fact]
    public async Task A_form_sent_at_expiry_and_one_that_stood_open_while_another_tab_refreshed_are_both_run_once()
    {
        await using var tabs = await Tabs.OpenAsync(chromium, site, 2);
        var (first, second) = (tabs.Pages[0], tabs.Pages[1]);
        var notes = new[] { $"at expiry {Guid.NewGuid()}", $"open for long {Guid.NewGuid()}" };
        await first.FillAsync(Text, notes[0]);
        await second.FillAsync(Text, notes[1]);

        await tabs.ExpireAsync();
        await first.ClickAsync(Add);
        await first.WaitForSelectorAsync($"text={notes[0]}");
        await second.ClickAsync(Add);
        await second.WaitForSelectorAsync($"text={notes[1]}");

        Assert.Equal((1, 1), (await CountAsync(notes[0]), await CountAsync(notes[1])));
        Assert.Equal(1, (await site.SessionAsync(tabs.Pair)).Generation);
    }

    [Fact]
    public async Task Signing_in_in_two_tabs_at_once_leaves_both_working()
    {
        await using var context = await chromium.ContextAsync(new() { BaseURL = site.Address.ToString() });
        var pages = new[] { await context.NewPageAsync(), await context.NewPageAsync() };
        await Task.WhenAll(pages.Select(page => page.GotoAsync("/login?returnUrl=%2Faccount")));

        await Task.WhenAll(pages.Select(SignInAsync));

        foreach (var page in pages)
        {
            await page.IsAtAsync("/account$");
            var answer = await page.ReloadAsync();
            Assert.Equal((200, "/account"), (answer!.Status, new Uri(page.Url).AbsolutePath));
        }
    }

    /// <summary>Scenario 32. The page that refreshed arrives after the sign-out, and brings its cookies with it.</summary>
    [Fact]
    public async Task Cookies_of_a_refresh_that_arrive_after_signing_out_are_dead()
    {
        await using var tabs = await Tabs.OpenAsync(chromium, site, 2);
        var (late, other) = (tabs.Pages[0], tabs.Pages[1]);
        var gate = new Gate();
        await late.RouteAsync("**/account", async route =>
        {
            var answer = await route.FetchAsync();
            await gate.PassAsync();
            await route.FulfillAsync(new() { Response = answer });
        });
        await tabs.ExpireAsync();
        var loading = late.GotoAsync("/account");
        await gate.Arrived;
        await other.ClickAsync(".who button");
        await other.IsAtAsync($"^{site.Address}$");

        gate.Open();
        await loading;
        await other.GotoAsync("/notes");

        Assert.Equal("/login", new Uri(other.Url).AbsolutePath);
    }

    /// <summary>Scenario 9: a delayed deletion would wipe what another tab has just been given.</summary>
    [Fact]
    public async Task The_login_page_leaves_dead_cookies_where_they_are()
    {
        await using var tabs = await Tabs.OpenAsync(chromium, site, 1);
        await EndFromElsewhereAsync(tabs.Pair);

        await tabs.Pages[0].GotoAsync("/notes");

        Assert.Equal("/login", new Uri(tabs.Pages[0].Url).AbsolutePath);
        Assert.Equal(tabs.Pair, await PairAsync(tabs.Pages[0].Context));
    }

    private static async Task<CookiePair> PairAsync(IBrowserContext context)
    {
        var cookies = await context.CookiesAsync();
        return new CookiePair(
            cookies.Single(cookie => cookie.Name == "access_token").Value, cookies.Single(cookie => cookie.Name == "refresh_token").Value);
    }

    private static async Task SignInAsync(IPage page)
    {
        await page.FillAsync("[name='Input.UserName']", "ada");
        await page.FillAsync("[name='Input.Password']", "Correct-Horse-1");
        await page.ClickAsync("main form button");
    }

    /// <summary>Ends a session as its person does, at another device.</summary>
    private async Task EndFromElsewhereAsync(CookiePair pair)
    {
        using var elsewhere = new Visitor(site.Address);
        await elsewhere.SignInAsync();
        await elsewhere.OpenAsync("/account/sessions");
        await elsewhere.SubmitAsync($"form:has([value='{pair.Session:N}'])");
        Assert.NotNull((await site.SessionAsync(pair)).RevokedAt);
    }

    private Task<int> CountAsync(string note) => site.InDatabaseAsync(db => db.Notes.CountAsync(each => each.Text == note));
}
