using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.EntityFrameworkCore;
using WebApp.Accounts;
using WebApp.Composition;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Pages;

/// <summary>Signing in with a passkey, as far as it goes without an authenticator.</summary>
public sealed class LoginPasskeyTests
{
    private const string Path = "/login/passkey";
    private const string Options = Path + "?handler=Options";

    [Fact]
    public async Task Whoever_asks_is_told_of_no_account_and_must_show_who_they_are()
    {
        await using var site = Site.Start();
        using var browser = new Visitor(site);
        var token = await TokenAsync(browser);

        using var answer = await PostAsync(browser, Options, token);

        var options = (await answer.JsonAsync()).GetProperty("options");
        Assert.Equal("required", options.GetProperty("userVerification").GetString());
        Assert.Equal(site.Address.Host, options.GetProperty("rpId").GetString());
        Assert.Equal(0, options.GetProperty("allowCredentials").GetArrayLength());
        var cookie = Assert.Single(answer.SetCookies());
        Assert.Equal(("passkey_step", true), (cookie.Name.Value, cookie.HttpOnly));
    }

    [Fact]
    public async Task Another_site_can_neither_begin_nor_end_it()
    {
        await using var site = Site.Start();
        using var browser = new Visitor(site);

        using var begun = await PostAsync(browser, Options, token: "");
        using var ended = await PostAsync(browser, Path, token: "", "{}");

        Assert.Equal("This form was open for a long time. Please try again.", (await begun.JsonAsync()).GetProperty("problem").GetString());
        Assert.DoesNotContain(begun.SetCookies(), cookie => cookie.Name == "passkey_step");
        Assert.Contains("This form was open for a long time.", await ended.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("garbage")]
    [InlineData("{}")]
    public async Task What_is_no_answer_of_an_authenticator_is_refused_in_a_sentence(string credential)
    {
        await using var site = Site.Start();
        using var browser = new Visitor(site);
        var token = await TokenAsync(browser);
        using var begun = await PostAsync(browser, Options, token);

        using var answer = await PostAsync(browser, Path, token, credential);

        Assert.Contains("This passkey could not sign you in.", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.False(answer.TouchesTokens());
    }

    /// <summary>Identity's handler makes failures of all that is thrown in it (invariant 8).</summary>
    [Fact]
    public async Task A_database_that_is_away_is_no_refusal()
    {
        await using var site = Site.Start();
        using var browser = new Visitor(site);
        var ada = await site.InDatabaseAsync(db => db.Users.AsNoTracking().SingleAsync(user => user.UserName == "ada"));
        var token = await TokenAsync(browser);
        using var begun = await PostAsync(browser, Options, token);
        site.Database.IsDown = true;

        using var answer = await PostAsync(browser, Path, token, Credential(ada));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
    }

    [Fact]
    public async Task Who_takes_too_long_is_refused_before_anybody_is_asked()
    {
        await using var site = Site.Start();
        using var browser = new Visitor(site);
        var ada = await site.InDatabaseAsync(db => db.Users.AsNoTracking().SingleAsync(user => user.UserName == "ada"));
        var token = await TokenAsync(browser);
        using var begun = await PostAsync(browser, Options, token);
        site.Leap(PasskeyCeremonies.Life + TimeSpan.FromSeconds(1));
        site.Database.Forget();

        using var answer = await PostAsync(browser, Path, token, Credential(ada));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(0, site.Database.Count("AspNetUsers"));
    }

    [Theory]
    [InlineData("https://site.example", false, true)]
    [InlineData("https://site.example", true, false)]
    [InlineData("http://site.example", false, false)]
    [InlineData("https://evil.site.example", false, false)]
    [InlineData("https://site.example:8443", false, false)]
    public void The_page_that_asked_must_be_of_this_site_whatever_the_request_says(string origin, bool framed, bool expected)
    {
        var context = new DefaultHttpContext();
        (context.Request.Scheme, context.Request.Host) = ("https", new HostString("site.example"));
        context.Request.Headers.Origin = origin;

        Assert.Equal(expected, AccountServices.IsThisSite(new PasskeyOriginValidationContext
        {
            HttpContext = context,
            Origin = origin,
            CrossOrigin = framed,
            TopOrigin = null,
        }));
    }

    [Fact]
    public async Task A_page_is_there_to_say_what_went_wrong_and_not_to_be_opened()
    {
        await using var site = Site.Start();
        using var browser = new Visitor(site);

        using var answer = await browser.GetAsync(Path + "?returnUrl=%2Faccount");

        Assert.Equal("/login?returnUrl=%2Faccount", answer.Headers.Location!.OriginalString);
    }

    private static async Task<string> TokenAsync(Visitor browser)
    {
        var page = await browser.OpenAsync("/login");
        return page.QuerySelector("form[data-passkey] [name=__RequestVerificationToken]")!.GetAttribute("value")!;
    }

    private static async Task<HttpResponseMessage> PostAsync(Visitor browser, string path, string token, string credential = "")
    {
        using var form = new FormUrlEncodedContent([new("__RequestVerificationToken", token), new("credential", credential)]);
        return await browser.SendAsync(HttpMethod.Post, path, form, CancellationToken.None);
    }

    /// <summary>As an authenticator would answer for this account, but for the signature.</summary>
    private static string Credential(Account account)
    {
        var nothing = WebEncoders.Base64UrlEncode(new byte[40]);
        return JsonSerializer.Serialize(new
        {
            id = nothing,
            type = "public-key",
            clientExtensionResults = new { },
            response = new
            {
                clientDataJSON = nothing,
                authenticatorData = nothing,
                signature = nothing,
                userHandle = WebEncoders.Base64UrlEncode(System.Text.Encoding.UTF8.GetBytes(account.Id)),
            },
        });
    }
}
