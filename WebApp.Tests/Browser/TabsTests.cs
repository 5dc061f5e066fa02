using Microsoft.Playwright;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Browser;

/// <summary>Scenarios 51 and 55 in a real Chromium: scripts of several tabs at expiry, one of which may stand still or go.</summary>
public sealed class TabsTests(Chromium chromium, BrowserSite site) : IClassFixture<BrowserSite>
{
    private const string Refresh = "**/api/auth/token/refresh/";

    [Fact]
    public async Task Six_tabs_with_ten_calls_each_to_the_sites_own_API_rotate_once_and_all_succeed()
    {
        await using var tabs = await Tabs.OpenAsync(chromium, site, 6);
        await tabs.ExpireAsync();
        await AssertAllSucceedAsync(tabs, tabs.Pages, "/api/me");

        // The site refreshes on the way in: the module has nothing to do.
        Assert.Equal(0, tabs.Refreshes);
        await AssertWholeAsync(tabs);
    }

    [Fact]
    public async Task Six_tabs_whose_calls_are_all_refused_at_expiry_share_one_refresh_and_all_succeed()
    {
        await using var tabs = await Tabs.OpenAsync(chromium, site, 6);
        await tabs.SetAsync("{ tabWait: 60000, refreshTimeout: 60000 }");
        var refreshes = new List<Gate>();
        foreach (var page in tabs.Pages)
        {
            refreshes.Add(await Tabs.HoldAsync(page, Refresh));
        }

        await tabs.ExpireAsync();
        var calls = AssertAllSucceedAsync(tabs, tabs.Pages, "/proxy/api/things");
        await tabs.Refusals.ArrivedAsync(60);
        refreshes.ForEach(refresh => refresh.Open());
        await calls;

        Assert.Equal(1, tabs.Refreshes);
        await AssertWholeAsync(tabs);
    }

    [Fact]
    public async Task A_tab_that_stands_still_while_it_refreshes_keeps_nobody_waiting_beyond_their_patience()
    {
        await using var tabs = await Tabs.OpenAsync(chromium, site, 3);
        var still = tabs.Pages[0];
        await using var debugger = await Debugger.AttachAsync(still);
        var held = await Tabs.HoldAsync(still, Refresh);
        await tabs.ExpireAsync();
        var call = Tabs.CallAsync(still, "/proxy/api/things");
        await held.Arrived;

        // It is given a step to stop at.
        await debugger.StopAtNextStepAsync();
        _ = still.EvaluateAsync("() => { setTimeout(() => {}); }");
        await debugger.Stopped;
        Assert.True(await IsLockedAsync(tabs.Pages[1]));
        await AssertAllSucceedAsync(tabs, tabs.Pages.Skip(1), "/proxy/api/things");
        Assert.True(await IsLockedAsync(tabs.Pages[1]));

        await debugger.GoOnAsync();
        held.Open();
        Assert.All(await call.InTime(), outcome => Assert.Equal("200", outcome));
        await AssertWholeAsync(tabs);
    }

    [Fact]
    public async Task A_tab_that_stands_still_after_its_refresh_and_tells_no_other_blocks_nobody()
    {
        await using var tabs = await Tabs.OpenAsync(chromium, site, 3);
        await using var debugger = await Debugger.AttachAsync(tabs.Pages[0]);
        var refreshes = new List<Gate>();
        foreach (var page in tabs.Pages)
        {
            refreshes.Add(await Tabs.HoldAsync(page, Refresh));
        }

        await tabs.ExpireAsync();
        var first = Tabs.CallAsync(tabs.Pages[0], "/proxy/api/things");
        await refreshes[0].Arrived;
        var others = AssertAllSucceedAsync(tabs, tabs.Pages.Skip(1), "/proxy/api/things");
        await tabs.Refusals.ArrivedAsync(30);

        // Its next step is to take the answer, which brought the browser new cookies, and to tell the others.
        await debugger.StopAtNextStepAsync();
        refreshes[0].Open();
        await debugger.Stopped;
        Assert.True(await IsLockedAsync(tabs.Pages[1]));
        refreshes.ForEach(refresh => refresh.Open());
        await others;

        await debugger.GoOnAsync();
        Assert.All(await first.InTime(), outcome => Assert.Equal("200", outcome));
        await AssertWholeAsync(tabs);
    }

    [Fact]
    public async Task A_tab_that_is_closed_while_it_refreshes_blocks_nobody()
    {
        await using var tabs = await Tabs.OpenAsync(chromium, site, 3);
        await tabs.SetAsync("{ tabWait: 60000, refreshTimeout: 60000 }");
        var closed = tabs.Pages[0];
        await tabs.ExpireAsync();

        // The request is under way, and the site does not come to answering it while the tab is there.
        Task calls;
        await site.Process.FreezeAsync();
        try
        {
            var isUnderWay = closed.WaitForRequestAsync(Refresh);
            _ = Tabs.CallAsync(closed, "/proxy/api/things").ContinueWith(call => call.Exception, TaskScheduler.Default);
            await isUnderWay;
            calls = AssertAllSucceedAsync(tabs, tabs.Pages.Skip(1), "/proxy/api/things");
            await tabs.Refusals.ArrivedAsync(30);
            Assert.True(await IsLockedAsync(tabs.Pages[1]));
            await closed.CloseAsync();
        }
        finally
        {
            await site.Process.ThawAsync();
        }

        await calls;
        await AssertWholeAsync(tabs);
    }

    [Fact]
    public async Task A_dead_session_fails_every_call_with_one_error_and_takes_each_tab_to_the_sign_in_page_once()
    {
        await using var tabs = await Tabs.OpenAsync(chromium, site, 2);
        using var elsewhere = new Visitor(site.Address) { Pair = tabs.Pair };
        await elsewhere.OpenAsync("/logout");
        await elsewhere.SubmitAsync("main form");
        Assert.NotNull((await site.SessionAsync(tabs.Pair)).RevokedAt);

        // A tab is there until the sign-in page begins to come.
        var navigations = new List<Gate>();
        foreach (var page in tabs.Pages)
        {
            navigations.Add(await Tabs.HoldAsync(page, "**/login?*"));
        }

        await tabs.ExpireAsync();
        var outcomes = await Task.WhenAll(tabs.Pages.Select(page => Tabs.CallAsync(page, "/proxy/api/things"))).InTime();
        Assert.All(outcomes.SelectMany(each => each), outcome => Assert.Equal("SessionEndedError revoked", outcome));
        foreach (var (page, navigation) in tabs.Pages.Zip(navigations))
        {
            navigation.Open();
            await page.IsAtAsync(@"/login\?reason=revoked&returnUrl=%2Fnotes$");
            Assert.Equal(1, navigation.Count);
            Assert.Equal("Sign in", await page.InnerTextAsync("h1"));
        }

        Assert.Empty(tabs.Complaints);
    }

    private static async Task AssertAllSucceedAsync(Tabs tabs, IEnumerable<IPage> pages, string path)
    {
        var outcomes = await Task.WhenAll(pages.Select(page => Tabs.CallAsync(page, path))).InTime();
        Assert.All(outcomes.SelectMany(each => each), outcome => Assert.Equal("200", outcome));
        Assert.Empty(tabs.Complaints);
    }

    /// <summary>Whether some tab has the turn to refresh.</summary>
    private static Task<bool> IsLockedAsync(IPage page) =>
        page.EvaluateAsync<bool>("async () => (await navigator.locks.query()).held.some((lock) => lock.name === 'session-client')");

    private async Task AssertWholeAsync(Tabs tabs)
    {
        var row = await site.SessionAsync(tabs.Pair);
        Assert.Equal((1, null), (row.Generation, row.RevokedAt));
        Assert.Empty(tabs.Complaints);
    }

    /// <summary>Chromium's own debugger, which makes a tab stand still as one does that the browser has frozen.</summary>
    private sealed class Debugger : IAsyncDisposable
    {
        private readonly ICDPSession session;
        private readonly TaskCompletionSource stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

        private Debugger(ICDPSession session)
        {
            this.session = session;
            session.Event("Debugger.paused").OnEvent += (_, _) => stopped.TrySetResult();
        }

        public Task Stopped => stopped.Task.InTime();

        public static async Task<Debugger> AttachAsync(IPage page)
        {
            var debugger = new Debugger(await page.Context.NewCDPSessionAsync(page));
            await debugger.SendAsync("Debugger.enable");
            return debugger;
        }

        public Task StopAtNextStepAsync() => SendAsync("Debugger.pause");

        public Task GoOnAsync() => SendAsync("Debugger.disable");

        public async ValueTask DisposeAsync() => await session.DetachAsync();

        private async Task SendAsync(string method) => await session.SendAsync(method).InTime();
    }
}
