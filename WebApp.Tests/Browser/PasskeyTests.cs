using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Browser;

/// <summary>
/// Passkeys in a real Chromium with an authenticator of the browser's own making. By the name of the machine: an address in numbers
/// is no relying party (Web Authentication, "RP ID").
/// </summary>
public sealed class PasskeyTests(Chromium chromium, BrowserSite site) : IClassFixture<BrowserSite>
{
    private const string Password = "Correct-Horse-1";
    private const string BobsPassword = "Correct-Horse-2";
    private const string Use = "form[data-passkey=use]";
    private const string Add = "form[data-passkey=add]";

    private string Address => $"http://localhost:{site.Address.Port}";

    [Fact]
    public async Task A_passkey_is_added_signs_in_without_a_password_or_a_code_is_renamed_and_removed()
    {
        await using var person = await PasskeyPerson.OpenAsync(chromium, Address);
        var page = person.Page;
        await SignInAsync(page, "ada", Password);
        await page.GotoAsync("/account/passkeys");
        Assert.Contains("You have no passkey yet.", await page.InnerTextAsync("main"), StringComparison.Ordinal);

        await AddAsync(page, "This machine", "a guess");
        await page.WaitForSelectorAsync($"{Add} [role=alert]:not([hidden])");
        Assert.Equal("This is not your current password.", await page.InnerTextAsync($"{Add} [role=alert]"));
        Assert.Equal(0, await person.CredentialsAsync());
        await AddAsync(page, "This machine", Password);
        await page.IsAtAsync(@"/account/passkeys\?added=");
        Assert.Equal("This machine", await page.InnerTextAsync(".rows strong"));
        Assert.Equal(1, await person.CredentialsAsync());

        await person.ForgetCookiesAsync();
        await page.GotoAsync("/login?returnUrl=%2Faccount%2Factivity");
        await page.CheckAsync("#Input_RememberMe");
        await page.ClickAsync($"{Use} button");
        await page.IsAtAsync("/account/activity$");
        Assert.Contains("You added a passkey.", await page.InnerTextAsync("main"), StringComparison.Ordinal);
        Assert.True((await person.CookieAsync("refresh_token")).Expires > 0);

        await page.GotoAsync("/account/passkeys");
        await page.ClickAsync("summary");
        await page.FillAsync("form[action*=Rename] [name=name]", "Old machine");
        await page.ClickAsync("form[action*=Rename] button");
        await page.WaitForSelectorAsync(".rows strong:text('Old machine')");
        await page.ClickAsync("summary");
        await page.FillAsync("form[action*=Remove] [name=password]", Password);
        await page.ClickAsync("form[action*=Remove] button");
        await page.IsAtAsync(@"/account/passkeys\?removed=");
        await page.GotoAsync("/account");

        await person.ForgetCookiesAsync();
        await page.GotoAsync("/login");
        await page.ClickAsync($"{Use} button");
        await page.IsAtAsync("/login/passkey$");
        Assert.Contains("This passkey could not sign you in.", await page.InnerTextAsync("#form-problem"), StringComparison.Ordinal);
        Assert.Empty(person.Complaints);
    }

    [Fact]
    public async Task An_answer_of_an_authenticator_is_good_once_in_the_browser_that_asked_for_it()
    {
        await using var person = await PasskeyPerson.OpenAsync(chromium, Address);
        var page = person.Page;
        await SignInAsync(page, "bob", BobsPassword);
        await page.GotoAsync("/account/passkeys");
        await AddAsync(page, "Once", BobsPassword);
        await page.IsAtAsync(@"/account/passkeys\?added=");
        await person.ForgetCookiesAsync();
        await page.GotoAsync("/login");
        var posted = page.WaitForRequestAsync(request => new Uri(request.Url).AbsolutePath == "/login/passkey"
            && request.Method == "POST" && request.IsNavigationRequest);
        await page.ClickAsync($"{Use} button");
        var (headers, body) = (await (await posted).AllHeadersAsync(), (await posted).PostData!);
        await page.IsAtAsync("/notes$");

        Assert.Contains("passkey_step=", headers["cookie"], StringComparison.Ordinal);

        // Many authenticators count nothing, and then Identity has no objection.
        await site.InDatabaseAsync(async db =>
        {
            var passkey = await db.Set<IdentityUserPasskey<string>>().SingleAsync(row => row.Data.Name == "Once");
            passkey.Data.SignCount = 0;
            return await db.SaveChangesAsync();
        });
        Assert.Equal("/login/passkey", await PostAsync(headers["cookie"], body));

        // Without the cookie of the ceremony, an answer is one that nobody has asked for.
        var bare = string.Join("; ", headers["cookie"].Split("; ").Where(cookie => !cookie.StartsWith("passkey_step", StringComparison.Ordinal)));
        Assert.Equal("/login/passkey", await PostAsync(bare, body));
    }

    [Fact]
    public async Task Whoever_does_not_show_who_they_are_is_not_signed_in_and_is_told_that_nothing_came_of_it()
    {
        await using var person = await PasskeyPerson.OpenAsync(chromium, Address);
        var page = person.Page;
        await SignInAsync(page, "bob", BobsPassword);
        await page.GotoAsync("/account/passkeys");
        await AddAsync(page, "Mine", BobsPassword);
        await page.IsAtAsync(@"/account/passkeys\?added=");
        await person.ForgetCookiesAsync();
        await person.VerifiesAsync(false);
        await page.GotoAsync("/login");

        await page.ClickAsync($"{Use} button");

        await page.WaitForSelectorAsync($"{Use} [role=alert]:not([hidden])");
        Assert.StartsWith("Nothing came of it", await page.InnerTextAsync($"{Use} [role=alert]"), StringComparison.Ordinal);
        Assert.Empty(person.Complaints);
    }

    [Fact]
    public async Task Without_a_script_passkeys_are_not_offered()
    {
        using var visitor = new Visitor(site.Address);
        await visitor.OpenAsync("/login");
        Assert.True(visitor.Page.QuerySelector(Use)!.HasAttribute("hidden"));
        await visitor.SignInAsync("bob", BobsPassword);
        await visitor.OpenAsync("/account/passkeys");

        Assert.True(visitor.Page.QuerySelector(Add)!.HasAttribute("hidden"));
    }

    private static async Task SignInAsync(IPage page, string userName, string password)
    {
        await page.GotoAsync("/login");
        await page.FillAsync("#Input_UserName", userName);
        await page.FillAsync("#Input_Password", password);
        await page.ClickAsync("main form button");
        await page.IsAtAsync("/notes$");
    }

    private static async Task AddAsync(IPage page, string name, string password)
    {
        await page.FillAsync($"{Add} [name=name]", name);
        await page.FillAsync($"{Add} [name=password]", password);
        await page.ClickAsync($"{Add} button");
    }

    /// <summary>Sends once more what a browser has sent. Where the answer leads; its own address if nowhere.</summary>
    private async Task<string> PostAsync(string cookies, string body)
    {
        const string Path = "/login/passkey";
        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        using var request = new HttpRequestMessage(HttpMethod.Post, Address + Path)
        {
            Content = new StringContent(body, System.Text.Encoding.UTF8, "application/x-www-form-urlencoded"),
        };
        request.Headers.Add("Cookie", cookies);
        request.Headers.Add("Origin", Address);
        using var answer = await client.SendAsync(request);
        Assert.False(answer.TouchesTokens());
        return answer.Headers.Location?.OriginalString ?? Path;
    }
}
