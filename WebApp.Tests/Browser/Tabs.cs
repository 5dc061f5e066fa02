using System.Collections.Concurrent;
using Microsoft.Playwright;
using WebApp.Tests.Fixtures;

namespace WebApp.Tests.Browser;

/// <summary>
/// The tabs of one person who is signed in, and a stub below <c>/proxy/api/</c>: an API that judges the access token alone and
/// answers 401 while the browser has none.
/// </summary>
internal sealed class Tabs : IAsyncDisposable
{
    private const string Refused = """{"detail":"The session is over.","code":"token_not_valid","reason":"expired"}""";

    private readonly IBrowserContext context;
    private readonly ConcurrentQueue<string> complaints = new();
    private int refreshes;

    private Tabs(IBrowserContext context, CookiePair pair)
    {
        this.context = context;
        Pair = pair;
    }

    /// <summary>What the person signed in with.</summary>
    public CookiePair Pair { get; }

    public List<IPage> Pages { get; } = [];

    /// <summary>Passed by each call that the stub refuses. Open.</summary>
    public Gate Refusals { get; } = new();

    /// <summary>How often a tab has asked for a refresh.</summary>
    public int Refreshes => Volatile.Read(ref refreshes);

    /// <summary>
    /// What the tabs' consoles show as errors, and what no script has caught. That a call was refused the browser writes down
    /// itself, and that is no error of a script.
    /// </summary>
    public IReadOnlyCollection<string> Complaints => complaints;

    /// <param name="chromium">The browser.</param>
    /// <param name="site">The site, running.</param>
    /// <param name="count">How many tabs.</param>
    /// <param name="path">What they show.</param>
    public static async Task<Tabs> OpenAsync(Chromium chromium, BrowserSite site, int count, string path = "/notes")
    {
        using var visitor = new Visitor(site.Address);
        await visitor.SignInAsync();
        var context = await chromium.ContextAsync(new() { BaseURL = site.Address.ToString() });
        var tabs = new Tabs(context, visitor.Pair);
        await context.AddCookiesAsync(
        [
            new() { Name = "access_token", Value = tabs.Pair.Access!, Url = site.Address.ToString(), HttpOnly = true },
            new() { Name = "refresh_token", Value = tabs.Pair.Refresh!, Url = site.Address.ToString(), HttpOnly = true },
        ]);
        await context.RouteAsync("**/proxy/api/**", tabs.AnswerAsync);
        for (var tab = 0; tab < count; tab++)
        {
            tabs.Pages.Add(await tabs.OpenAsync(path));
        }

        return tabs;
    }

    /// <summary>Lets the access token end, as far as anybody can tell.</summary>
    public Task ExpireAsync() => context.ClearCookiesAsync(new() { Name = "access_token" });

    /// <summary>Makes a tab change settings of its module, in JavaScript.</summary>
    public Task SetAsync(string settings) => Task.WhenAll(Pages.Select(page => page.EvaluateAsync(
        $$"""async () => Object.assign((await import("/js/session-client.js")).settings, {{settings}})""")));

    /// <summary>Makes a tab call a path so many times at once: the statuses of the answers, or the errors' names and reasons.</summary>
    public static Task<string[]> CallAsync(IPage page, string path, int times = 10) => page.EvaluateAsync<string[]>(
        """
        async ([path, times]) => {
          const { sessionFetch } = await import("/js/session-client.js");
          return Promise.all(Array.from({ length: times }, (_, index) => sessionFetch(`${path}?${index}`).then(
            (answer) => `${answer.status}`,
            (error) => `${error.name} ${error.reason}`)));
        }
        """,
        new object[] { path, times });

    /// <summary>Keeps what a tab asks for at a gate on its way to the site.</summary>
    public static async Task<Gate> HoldAsync(IPage page, string path)
    {
        var gate = new Gate();
        await page.RouteAsync(path, async route =>
        {
            await gate.PassAsync();
            await route.ContinueAsync();
        });
        return gate;
    }

    public async ValueTask DisposeAsync() => await context.DisposeAsync();

    private async Task<IPage> OpenAsync(string path)
    {
        var page = await context.NewPageAsync();
        page.Console += (_, message) =>
        {
            if (message.Type == "error" && !message.Text.Contains("status of 401", StringComparison.Ordinal))
            {
                complaints.Enqueue(message.Text);
            }
        };
        page.PageError += (_, error) => complaints.Enqueue(error);
        page.Request += (_, request) =>
        {
            if (new Uri(request.Url).AbsolutePath == "/api/auth/token/refresh/")
            {
                Interlocked.Increment(ref refreshes);
            }
        };
        await page.GotoAsync(path);
        return page;
    }

    private async Task AnswerAsync(IRoute route)
    {
        var cookies = await context.CookiesAsync();
        if (cookies.Any(cookie => cookie.Name == "access_token"))
        {
            await route.FulfillAsync(new() { Status = 200, ContentType = "application/json", Body = "{}" });
            return;
        }

        _ = Refusals.PassAsync();
        await route.FulfillAsync(new() { Status = 401, ContentType = "application/problem+json", Body = Refused });
    }
}
