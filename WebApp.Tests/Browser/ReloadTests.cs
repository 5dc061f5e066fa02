using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Browser;

/// <summary>Scenarios 1, 4 and 12 in a real Chromium: reload, pressed by somebody who has lost patience.</summary>
public sealed partial class ReloadTests(Chromium chromium, HastySite site) : IClassFixture<HastySite>
{
    private const int Presses = 50;

    [Fact]
    public async Task Fifty_reloads_in_each_of_six_tabs_never_show_the_login_page_and_leave_no_generation_out()
    {
        await using var tabs = await Tabs.OpenAsync(chromium, site, 6);
        var shown = new ConcurrentQueue<string>();
        tabs.Pages.ForEach(page => page.FrameNavigated += (_, frame) => shown.Enqueue(frame.Url));

        // The next press comes as soon as the page before begins to come, and takes the rest of it away.
        await Task.WhenAll(tabs.Pages.Select(async page =>
        {
            for (var pressed = 0; pressed < Presses; pressed++)
            {
                await TakenAsync(() => page.ReloadAsync(new() { WaitUntil = WaitUntilState.Commit }));
            }
        }));

        await AssertWholeAsync(tabs, shown);
    }

    [Fact]
    public async Task Reloads_that_wait_for_nothing_at_all_lose_nothing()
    {
        await using var tabs = await Tabs.OpenAsync(chromium, site, 6);
        var shown = new ConcurrentQueue<string>();
        tabs.Pages.ForEach(page => page.FrameNavigated += (_, frame) => shown.Enqueue(frame.Url));
        await tabs.ExpireAsync();

        await Task.WhenAll(tabs.Pages.Select(async page =>
        {
            var browser = await page.Context.NewCDPSessionAsync(page);
            for (var pressed = 0; pressed < Presses; pressed++)
            {
                await TakenAsync(() => browser.SendAsync("Page.reload"));
            }
        }));

        await AssertWholeAsync(tabs, shown);
    }

    [Fact]
    public async Task Twenty_tabs_restored_after_sleep_rotate_once()
    {
        await using var tabs = await Tabs.OpenAsync(chromium, site, 20);
        var before = (await site.SessionAsync(tabs.Pair)).Generation;
        await tabs.ExpireAsync();

        var answers = await Task.WhenAll(tabs.Pages.Select(page => page.ReloadAsync(new() { WaitUntil = WaitUntilState.Commit })));

        Assert.All(answers, answer => Assert.Equal((200, "/notes"), (answer!.Status, new Uri(answer.Url).AbsolutePath)));
        var rotated = Rotations(tabs.Pair).Count(generation => generation >= before);
        Assert.True(rotated >= 1, "Nobody has refreshed.");
        Assert.Equal(Enumerable.Range(0, Rotations(tabs.Pair).Count), Rotations(tabs.Pair).Order());
    }

    /// <summary>
    /// Between two pages Chromium has nothing that it could reload, and a press before may come true later and take this one's place;
    /// it says so, and that press does not count.
    /// </summary>
    private static async Task<T> TakenAsync<T>(Func<Task<T>> press)
    {
        using var patience = The.Patience();
        while (true)
        {
            try
            {
                return await press();
            }
            catch (PlaywrightException missed) when (!patience.IsCancellationRequested && IsMissed(missed.Message))
            {
                // Pressed again.
            }
        }
    }

    /// <summary>Both are the browser's own doing: what a server does to a connection has other names.</summary>
    private static bool IsMissed(string message) =>
        message.Contains("Not attached to an active page", StringComparison.Ordinal)
        || message.Contains("net::ERR_ABORTED", StringComparison.Ordinal);

    private async Task AssertWholeAsync(Tabs tabs, IReadOnlyCollection<string> shown)
    {
        foreach (var page in tabs.Pages)
        {
            var answer = await TakenAsync(() => page.ReloadAsync());
            Assert.Equal((200, "/notes"), (answer!.Status, new Uri(page.Url).AbsolutePath));
        }

        Assert.All(shown, url => Assert.Equal("/notes", new Uri(url).AbsolutePath));
        Assert.Empty(tabs.Complaints);

        // Each generation was left once, and none was left out.
        var rotations = Rotations(tabs.Pair);
        Assert.NotEmpty(rotations);
        Assert.Equal(Enumerable.Range(0, rotations.Count), rotations.Order());
        Assert.Equal(rotations.Count, (await site.SessionAsync(tabs.Pair)).Generation);
    }

    /// <summary>The generations from which the session was rotated, by the site's own log.</summary>
    private List<int> Rotations(CookiePair pair) => [.. site.Process.Output
        .Select(line => Rotation().Match(line))
        .Where(match => match.Success && match.Groups[1].Value == pair.Session.ToString("N"))
        .Select(match => int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture))];

    [GeneratedRegex("Refresh of session ([0-9a-f]{32}), generation ([0-9]+): Rotated")]
    private static partial Regex Rotation();
}
