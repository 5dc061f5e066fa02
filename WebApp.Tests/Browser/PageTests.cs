using System.Text.RegularExpressions;
using Deque.AxeCore.Commons;
using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;
using WebApp.Storage;
using WebApp.Tests.Conventions;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Browser;

/// <summary>
/// Every page in a real Chromium, in both themes and both languages: axe finds nothing, nothing is wider than a phone, and the
/// console stays silent. With <c>SCREENSHOTS</c> set to a folder each is drawn there, from a phone to 4K.
/// </summary>
public sealed class PageTests(Chromium chromium, BrowserSite site) : IClassFixture<BrowserSite>
{
    private const int Wide = 1280;
    private const int High = 900;

    private static readonly int[] Widths = [360, 768, 1280, 3840];

    /// <summary>What can differ between two themes of one page, and does not between two languages.</summary>
    private static readonly string[] Colours = ["color-contrast", "link-in-text-block"];

    /// <summary>Where each rule is broken. That some are kept shows that axe has looked.</summary>
    private const string RunAxe = """
        async (options) => {
          const { passes, violations } = await axe.run(document, options);
          return passes.length === 0
            ? ["axe has looked at nothing"]
            : violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id} at ${target}`));
        }
        """;

    private static readonly BundledAxeScriptProvider Axe = new();

    /// <summary>Without a session.</summary>
    private static readonly string[] Open =
        ["/", "/login", "/login?reason=expired&returnUrl=%2Fkept%2F1", "/register", "/logout", "/error/404", "/error/503"];

    private static readonly string[] Private =
    [
        "/", "/notes", "/account", "/account?saved=true", "/account/password", "/account/password?ended=2", "/account/sessions",
        "/account/activity", "/account/notice", "/admin/sessions", "/admin/sessions?person=nobody", "/kept", "/logout", "/demo/api", "/lab",
        "/account/two-step", "/account/passkeys", "/error/403",
    ];

    [Theory]
    [InlineData("en")]
    [InlineData("zh-CN")]
    public async Task Every_page_is_accessible_in_both_themes_and_both_languages(string language)
    {
        await using var context = await chromium.ContextAsync(new()
        {
            BaseURL = site.Address.ToString(),
            Locale = language,
            ReducedMotion = ReducedMotion.Reduce,
            ViewportSize = new() { Width = Wide, Height = High },
        });
        await site.InDatabaseAsync(db => db.SecurityEvents.ExecuteDeleteAsync());
        var page = await context.NewPageAsync();
        var findings = new List<string>();
        page.Console += (_, message) => findings.AddRange(message.Type == "error" && !message.Text.Contains("Failed to load resource", StringComparison.Ordinal)
            ? [$"{page.Url}: {message.Text}"]
            : []);
        foreach (var path in Open)
        {
            await VisitAsync(page, path, language, findings);
        }

        await page.GotoAsync("/login");
        await FillAsync(page, "wrong");
        await page.WaitForSelectorAsync("#form-problem");
        await CheckAsync(page, "login-refused", language, findings);
        await FillAsync(page, "Correct-Horse-1");
        await page.IsAtAsync("/notes$");
        await PrepareAsync(page);
        foreach (var path in Private)
        {
            await VisitAsync(page, path, language, findings);
        }

        await FollowAsync(page, "/notes", "a[href^='/notes/edit/']", "main form", language, findings);
        await FollowAsync(page, "/account/two-step", "main form button", "main svg", language, findings);
        await FollowAsync(page, "/lab", "main form button", "main svg", language, findings);
        await SecondStepAsync(page, language, findings);
        findings.AssertNone();
    }

    private static async Task FillAsync(IPage page, string password)
    {
        await page.FillAsync("[name='Input.UserName']", "ada");
        await page.FillAsync("[name='Input.Password']", password);
        await page.ClickAsync("main form button");
    }

    /// <summary>A note, a copy of a session that was found out, and a form that has met a dead session.</summary>
    private async Task PrepareAsync(IPage page)
    {
        await page.GotoAsync("/notes");
        await page.FillAsync("[name='Input.Text']", "A note that stands here for the picture.");
        await page.ClickAsync("form:has([name='Input.Text']) button");
        await page.WaitForSelectorAsync("text=A note that stands here");
        await page.FillAsync("[name='Input.Text']", "A note that was never lost.");
        var pair = (await page.Context.CookiesAsync()).Single(cookie => cookie.Name == "refresh_token").Value;
        using var elsewhere = new Visitor(site.Address) { Pair = new CookiePair(null, pair) };
        await elsewhere.OpenAsync("/logout");
        await elsewhere.SubmitAsync("main form");
        await page.ClickAsync("form:has([name='Input.Text']) button");
        await page.IsAtAsync(@"/login\?");
        await FillAsync(page, "Correct-Horse-1");
        await page.IsAtAsync("/kept/");
        await site.InDatabaseAsync(async db =>
        {
            var session = db.Sessions.OrderByDescending(row => row.CreatedAt).First();
            db.SecurityEvents.Add(SecurityEvent.Of(
                SecurityEventKinds.Reuse,
                new UserId(session.UserId),
                new SessionId(session.Id),
                new ClientInfo(session.UserAgent, "203.0.113.7"),
                session.CreatedAt));
            return await db.SaveChangesAsync();
        });
    }

    /// <summary>A page that only a click leads to.</summary>
    private static async Task FollowAsync(IPage page, string from, string click, string shows, string language, List<string> findings)
    {
        await page.GotoAsync(from);
        await page.ClickAsync($"{click} >> nth=0");
        await Assertions.Expect(page).Not.ToHaveURLAsync(new Regex($"{Regex.Escape(from)}$"));
        await page.WaitForSelectorAsync(shows);
        await CheckAsync(page, $"{from}, then {click}", language, findings);
    }

    private async Task SecondStepAsync(IPage page, string language, List<string> findings)
    {
        await TurnAsync(on: true);
        await page.Context.ClearCookiesAsync();
        await page.GotoAsync("/login");
        await FillAsync(page, "Correct-Horse-1");
        await page.IsAtAsync("/login/code");
        await CheckAsync(page, "/login/code", language, findings);
        await TurnAsync(on: false);

        Task<int> TurnAsync(bool on) => site.InDatabaseAsync(db => db.Users
            .Where(user => user.UserName == "ada")
            .ExecuteUpdateAsync(user => user.SetProperty(each => each.TwoFactorEnabled, on)));
    }

    private static async Task VisitAsync(IPage page, string path, string language, List<string> findings)
    {
        await page.GotoAsync(path);
        await CheckAsync(page, path, language, findings);
    }

    private static async Task CheckAsync(IPage page, string path, string language, List<string> findings)
    {
        await page.WaitForFunctionAsync("() => document.readyState === 'complete'");
        await page.EvaluateAsync(Axe.GetScript());

        // A theme is the same in every language.
        foreach (var scheme in language == "en" ? (ColorScheme[])[ColorScheme.Dark, ColorScheme.Light] : [ColorScheme.Light])
        {
            await page.EmulateMediaAsync(new() { ColorScheme = scheme });
            var found = await page.EvaluateAsync<string[]>(RunAxe, Rules(scheme, language));
            findings.AddRange(found.Select(each => $"{scheme} {language} {path}: {each}"));
            await DrawAsync(page, path, $"{scheme}-{language}");
        }

        await page.SetViewportSizeAsync(360, 800);
        if (await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth") > 360)
        {
            findings.Add($"{language} {path}: wider than 360 pixels");
        }

        await page.SetViewportSizeAsync(Wide, High);
    }

    /// <summary>Options of <c>axe.run</c>.</summary>
    private static Dictionary<string, object> Rules(ColorScheme scheme, string language)
    {
        var options = new Dictionary<string, object> { ["resultTypes"] = new[] { "violations" } };
        if (scheme == ColorScheme.Dark)
        {
            options["runOnly"] = Colours;
        }
        else if (language != "en")
        {
            options["rules"] = Colours.ToDictionary(rule => rule, _ => new { enabled = false });
        }

        return options;
    }

    private static async Task DrawAsync(IPage page, string path, string label)
    {
        if (Environment.GetEnvironmentVariable("SCREENSHOTS") is not { Length: > 0 } folder)
        {
            return;
        }

        var name = string.Concat(path.Select(letter => char.IsLetterOrDigit(letter) ? letter : '-')).Trim('-');
        foreach (var width in Widths)
        {
            await page.SetViewportSizeAsync(width, width * 3 / 5);
            await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{(name.Length > 0 ? name : "front")}-{label}-{width}.png"), FullPage = width < 3840 });
        }

        await page.SetViewportSizeAsync(Wide, High);
    }
}
