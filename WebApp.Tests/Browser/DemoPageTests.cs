using System.Net;
using Microsoft.Playwright;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Browser;

/// <summary>The page that shows the browser module at work.</summary>
public sealed class DemoPageTests(Chromium chromium, BrowserSite site) : IClassFixture<BrowserSite>
{
    private const string Path = "/demo/api";

    [Fact]
    public async Task The_page_sends_ten_calls_and_says_whether_they_met_a_refresh()
    {
        await using var tabs = await Tabs.OpenAsync(chromium, site, 1, Path);
        var page = tabs.Pages[0];

        Assert.StartsWith("All ten succeeded", await SendAsync(page), StringComparison.Ordinal);
        Assert.EndsWith("nothing was refreshed.", await page.InnerTextAsync("#summary"), StringComparison.Ordinal);

        await tabs.ExpireAsync();
        await page.EvaluateAsync("() => { document.getElementById('summary').hidden = true; }");
        Assert.StartsWith("All ten succeeded", await SendAsync(page), StringComparison.Ordinal);
        Assert.Contains("one refresh served", await page.InnerTextAsync("#summary"), StringComparison.Ordinal);
        Assert.Equal(10, await page.Locator("#calls tbody tr").CountAsync());
        Assert.Equal(1, (await site.SessionAsync(tabs.Pair)).Generation);
        Assert.Empty(tabs.Complaints);
    }

    [Fact]
    public async Task Without_a_script_the_page_says_what_is_missing_and_offers_nothing_that_does_not_work()
    {
        using var visitor = new Visitor(site.Address);
        await visitor.SignInAsync();
        await visitor.OpenAsync(Path);

        Assert.NotNull(visitor.Page.QuerySelector("noscript .notice"));
        Assert.True(visitor.Page.QuerySelector("#send")!.HasAttribute("hidden"));
    }

    [Fact]
    public async Task Who_is_not_signed_in_is_asked_to()
    {
        using var visitor = new Visitor(site.Address);
        using var answer = await visitor.GetAsync(Path, ("Sec-Fetch-Mode", "navigate"));
        Assert.Equal("/login?returnUrl=%2Fdemo%2Fapi", answer.Headers.Location?.OriginalString);
    }

    [Fact]
    public async Task Outside_Development_there_is_no_such_page()
    {
        await using var migration = BuiltSite.Run("Production", [], "migrate");
        await migration.ExitAsync();
        await using var production = migration.RunAnother("Production");
        using var client = await production.ClientAsync();

        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync(Path)).StatusCode);
    }

    private static async Task<string> SendAsync(IPage page)
    {
        await page.ClickAsync("#send");
        return await page.InnerTextAsync("#summary:not([hidden])");
    }
}
