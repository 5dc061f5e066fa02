using Microsoft.Playwright;
using Xunit;

[assembly: AssemblyFixture(typeof(WebApp.Tests.Fixtures.Chromium))]

namespace WebApp.Tests.Fixtures;

/// <summary>
/// The one Chromium that tests share, of the machine's own and never downloaded. Started by the first of them; each test has a
/// context of its own, with its own cookies and tabs.
/// </summary>
public sealed class Chromium : IAsyncDisposable
{
    private static readonly string[] Arguments =
    [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync",
    ];

    private readonly Lazy<Task<(IPlaywright Driver, IBrowser Browser)>> running = new(StartAsync);

    public async Task<IBrowserContext> ContextAsync(BrowserNewContextOptions options) =>
        await (await running.Value).Browser.NewContextAsync(options);

    public async ValueTask DisposeAsync()
    {
        if (running is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
        {
            var (driver, browser) = await running.Value;
            await browser.DisposeAsync();
            driver.Dispose();
        }
    }

    private static async Task<(IPlaywright Driver, IBrowser Browser)> StartAsync()
    {
        var program = Installed.Program("chromium");
        var driver = await Playwright.CreateAsync();
        return (driver, await driver.Chromium.LaunchAsync(new() { ExecutablePath = program, Args = Arguments }));
    }
}
