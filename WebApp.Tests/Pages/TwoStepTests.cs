using System.Net;
using AngleSharp.Dom;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using WebApp.Accounts;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Pages;

/// <summary><c>/account/two-step</c>: turning two-step verification on and off, and what else that does.</summary>
public sealed class TwoStepTests
{
    private const string Path = "/account/two-step";
    private const string Password = "Correct-Horse-1";
    private const string On = "form[action*='handler=On']";
    private const string Off = "form[action*='handler=Off']";
    private const string Codes = "form[action*='handler=Codes']";

    [Fact]
    public async Task A_picture_and_a_key_are_shown_to_whoever_begins_and_to_no_later_visitor()
    {
        await using var site = Site.Start();
        using var ada = await Visitor.SignedInAsync(site);
        var before = await AccountAsync(site);

        var app = await Authenticator.BeginAsync(ada);

        var picture = ada.Page.QuerySelector("svg.qr")!;
        Assert.Equal("img", picture.GetAttribute("role"));
        Assert.NotEqual("", picture.GetAttribute("aria-label"));
        Assert.StartsWith("M4,4h1v1h-1z", picture.QuerySelector("path")!.GetAttribute("d"), StringComparison.Ordinal);
        Assert.Empty(ada.Page.QuerySelectorAll("[style]"));
        Assert.Matches("^[0-9]{6}$", app.Code());
        var reloaded = await ada.OpenAsync(Path);
        Assert.Null(reloaded.QuerySelector("#key, svg.qr"));
        var after = await AccountAsync(site);
        Assert.Equal((false, before.SecurityStamp), (after.TwoFactorEnabled, after.SecurityStamp));
    }

    [Fact]
    public async Task The_picture_tells_the_app_whose_key_it_is()
    {
        await using var site = Site.Start();
        await using var scope = site.Services.CreateAsyncScope();
        var user = new UserId((await AccountAsync(site)).Id);

        var setup = await scope.ServiceProvider.GetRequiredService<TwoStep>().BeginAsync(user);

        var key = setup!.Key.Replace(" ", "", StringComparison.Ordinal).ToUpperInvariant();
        Assert.Equal($"otpauth://totp/WebApp:ada?secret={key}&issuer=WebApp&digits=6", setup.Uri);
        Assert.DoesNotContain(key, setup.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Turning_it_on_shows_ten_recovery_codes_once_and_ends_the_other_sessions_while_this_one_lives()
    {
        await using var site = Site.Start();
        using var here = await Visitor.SignedInAsync(site);
        using var there = await Visitor.SignedInAsync(site);

        var (_, codes) = await Authenticator.TurnOnAsync(here);

        Assert.Equal((10, 10), (codes.Count, codes.Distinct().Count()));
        Assert.Contains("Your other session was ended.", here.Page.Body!.TextContent, StringComparison.Ordinal);
        using var ended = await there.GetAsync("/notes");
        Assert.True(ended.AsksToSignIn("account_changed"));
        site.ExpireAccessTokens();
        using var alive = await here.GetAsync("/notes");
        Assert.Equal((HttpStatusCode.OK, 1), (alive.StatusCode, here.Pair.Generation));
        var page = await here.OpenAsync(Path);
        Assert.Empty(page.QuerySelectorAll(".codes"));
        Assert.Contains("You have 10 recovery codes left.", page.Body!.TextContent, StringComparison.Ordinal);
        Assert.Equal(1, await EventsAsync(site, SecurityEventKinds.TwoStepOn));
        page = await here.OpenAsync("/account/activity");
        Assert.Contains("You turned two-step verification on.", page.Body!.TextContent, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, Password, "This code is not right")]
    [InlineData(false, "a guess", "This is not your current password.")]
    public async Task A_wrong_code_or_password_changes_nothing_and_locks_after_five(bool wrongCode, string password, string sentence)
    {
        await using var site = Site.Start();
        using var here = await Visitor.SignedInAsync(site);
        using var there = await Visitor.SignedInAsync(site);
        var app = await Authenticator.BeginAsync(here);
        var wrong = app.WrongCode();
        for (var i = 0; i < 5; i++)
        {
            var page = await here.SubmitAsync(On, ("code", wrongCode ? wrong : app.Code()), ("password", password));
            Assert.Contains(sentence, Problem(page), StringComparison.Ordinal);
            Assert.NotNull(page.QuerySelector("svg.qr"));
        }

        await here.SubmitAsync(On, ("code", app.Code(1)), ("password", Password));

        Assert.Contains("too many wrong passwords", Problem(here.Page), StringComparison.Ordinal);
        Assert.False((await AccountAsync(site)).TwoFactorEnabled);
        using var alive = await there.GetAsync("/notes");
        Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
    }

    [Fact]
    public async Task Whoever_begins_anew_gets_another_key_and_the_one_before_is_worth_nothing()
    {
        await using var site = Site.Start();
        using var here = await Visitor.SignedInAsync(site);
        var seenByOthers = await Authenticator.BeginAsync(here);
        var app = await Authenticator.BeginAsync(here);

        await here.SubmitAsync(On, ("code", seenByOthers.Code()), ("password", Password));
        Assert.Contains("This code is not right", Problem(here.Page), StringComparison.Ordinal);
        await here.SubmitAsync(On, ("code", app.Code()), ("password", Password));

        Assert.True((await AccountAsync(site)).TwoFactorEnabled);
    }

    [Fact]
    public async Task A_key_that_is_in_use_is_not_replaced_by_a_form_that_stood_open()
    {
        await using var site = Site.Start();
        using var here = await Visitor.SignedInAsync(site);
        using var tab = here.Twin();
        await tab.OpenAsync(Path);
        await Authenticator.TurnOnAsync(here);
        var key = await KeyAsync(site);

        var page = await tab.SubmitAsync("form[action*='Begin']");

        Assert.Null(page.QuerySelector("#key"));
        Assert.Contains("Two-step verification is on.", page.Body!.TextContent, StringComparison.Ordinal);
        Assert.Equal(key, await KeyAsync(site));
    }

    [Fact]
    public async Task Turning_it_off_asks_for_the_password_ends_the_other_sessions_and_forgets_the_key()
    {
        await using var site = Site.Start();
        using var here = await Visitor.SignedInAsync(site);
        await Authenticator.TurnOnAsync(here);
        using var there = await Visitor.SignedInAsync(site);
        var key = await KeyAsync(site);
        await here.OpenAsync(Path);

        await here.SubmitAsync(Off, ("password", "a guess"));
        Assert.Contains("This is not your current password.", Problem(here.Page), StringComparison.Ordinal);
        Assert.True((await AccountAsync(site)).TwoFactorEnabled);
        await here.SubmitAsync(Off, ("password", Password));

        Assert.Contains("turned off. Your other session was ended.", here.Page.Body!.TextContent, StringComparison.Ordinal);
        using var ended = await there.GetAsync("/notes");
        Assert.True(ended.AsksToSignIn("account_changed"));
        Assert.NotEqual(key, await KeyAsync(site));
        Assert.Equal(1, await EventsAsync(site, SecurityEventKinds.TwoStepOff));
        using var browser = new Visitor(site);
        await browser.SignInAsync();
    }

    [Fact]
    public async Task New_recovery_codes_ask_for_the_password_and_replace_the_old_ones()
    {
        await using var site = Site.Start();
        using var here = await Visitor.SignedInAsync(site);
        var (_, old) = await Authenticator.TurnOnAsync(here);
        using var there = await Visitor.SignedInAsync(site);
        var before = await AccountAsync(site);
        await here.OpenAsync(Path);

        await here.SubmitAsync(Codes, ("password", "a guess"));
        Assert.Empty(here.Page.QuerySelectorAll(".codes"));
        await here.SubmitAsync(Codes, ("password", Password));

        var fresh = here.Page.QuerySelectorAll(".codes code").Select(code => code.TextContent).ToList();
        Assert.Equal(10, fresh.Count);
        Assert.Empty(fresh.Intersect(old));
        Assert.NotEqual(before.SecurityStamp, (await AccountAsync(site)).SecurityStamp);
        Assert.Equal(1, await EventsAsync(site, SecurityEventKinds.RecoveryCodesMade));
        using var ended = await there.GetAsync("/notes");
        Assert.True(ended.AsksToSignIn("account_changed"));
        using var alive = await here.GetAsync("/notes");
        Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
    }

    /// <summary>Invariant: all of it or nothing.</summary>
    [Fact]
    public async Task A_database_that_fails_in_the_middle_has_changed_nothing()
    {
        await using var site = Site.Start();
        using var here = await Visitor.SignedInAsync(site);
        using var there = await Visitor.SignedInAsync(site);
        var app = await Authenticator.BeginAsync(here);
        site.Database.FailBefore("SET RevokedAt", times: 1, code: 10);

        await here.SubmitAsync(On, ("code", app.Code()), ("password", Password));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, here.Page.StatusCode);
        Assert.False((await AccountAsync(site)).TwoFactorEnabled);
        using var alive = await there.GetAsync("/notes");
        Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
        Assert.Equal(0, await EventsAsync(site, SecurityEventKinds.TwoStepOn));
    }

    [Fact]
    public async Task Attempts_that_fail_in_the_same_moment_are_all_counted()
    {
        await using var site = Site.Start();
        var user = new UserId((await AccountAsync(site)).Id);

        var counting = site.Database.Hold("UPDATE AspNetUsers");

        var attempts = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            await using var scope = site.Services.CreateAsyncScope();
            await scope.ServiceProvider.GetRequiredService<FailedAttempts>().CountAsync(user, Some.Client);
        })).ToList();
        await counting.ArrivedAsync(4);
        counting.Open();
        await Task.WhenAll(attempts);

        Assert.Equal(4, (await AccountAsync(site)).AccessFailedCount);
    }

    private static string Problem(IDocument page) => page.QuerySelector("#form-problem")?.TextContent ?? "";

    private static Task<Account> AccountAsync(Site site) =>
        site.InDatabaseAsync(db => db.Users.AsNoTracking().SingleAsync(user => user.UserName == "ada"));

    private static Task<string?> KeyAsync(Site site) =>
        site.InDatabaseAsync(db => db.UserTokens.Where(token => token.Name == "AuthenticatorKey").Select(token => token.Value).SingleAsync());

    private static Task<int> EventsAsync(Site site, string kind) =>
        site.InDatabaseAsync(db => db.SecurityEvents.CountAsync(each => each.Kind == kind));
}
