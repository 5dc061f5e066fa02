using System.Net;
using System.Net.Http.Json;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Net.Http.Headers;
using WebApp.Accounts;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Pages;

/// <summary>Signing in to an account with two-step verification: no session before the second step, and no step counts twice.</summary>
public sealed class LoginCodeTests
{
    private const string Form = "main form";
    private const string Password = "Correct-Horse-1";
    private const string CookieName = "sign_in_step";
    private const string Wrong = "The code is not right or was used before";

    [Fact]
    public async Task The_password_alone_opens_nothing_and_the_code_opens_the_session_that_was_asked_for()
    {
        await using var site = Site.Start();
        var (app, _) = await TurnOnAsync(site);
        using var browser = new Visitor(site);
        await browser.OpenAsync("/login?returnUrl=%2Faccount%2Factivity");
        browser.Page.QuerySelector<IHtmlInputElement>("#Input_RememberMe")!.IsChecked = true;
        await browser.SubmitAsync(Form, ("Input.UserName", "ada"), ("Input.Password", Password));

        Assert.Equal("/login/code", new Uri(browser.Page.Url).AbsolutePath);
        Assert.Null(browser.Pair.Access);
        using var closed = await browser.GetAsync("/notes");
        Assert.True(closed.AsksToSignIn());
        var code = browser.Page.QuerySelector("#code")!;
        Assert.Equal(("one-time-code", "numeric"), (code.GetAttribute("autocomplete"), code.GetAttribute("inputmode")));
        var digits = app.Code();
        await browser.SubmitAsync(Form, ("code", $" {digits[..3]} {digits[3..]}"));

        Assert.Equal("/account/activity", new Uri(browser.Page.Url).AbsolutePath);
        Assert.True((await site.SessionAsync(browser.Pair.Session)).Persistent);
        Assert.Equal(0, (await AccountAsync(site)).AccessFailedCount);
        using var over = await new Visitor(site).GetAsync("/login/code");
        Assert.Equal("/login?reason=expired", over.Headers.Location!.OriginalString);
    }

    [Fact]
    public async Task The_state_between_the_steps_is_kept_from_scripts_and_other_sites_and_from_the_session()
    {
        await using var site = Site.Start();
        await TurnOnAsync(site);
        using var browser = new Visitor(site);
        await browser.OpenAsync("/login");
        var token = browser.Page.QuerySelector("input[name=__RequestVerificationToken]")!.GetAttribute("value")!;
        using var form = new FormUrlEncodedContent([
            new("Input.UserName", "ada"), new("Input.Password", Password), new("__RequestVerificationToken", token)]);

        using var answer = await browser.SendAsync(HttpMethod.Post, "/login", form, CancellationToken.None);

        var cookie = Assert.Single(answer.SetCookies());
        Assert.Equal((CookieName, true, SameSiteMode.Strict, null), (cookie.Name.Value, cookie.HttpOnly, cookie.SameSite, cookie.MaxAge));
        Assert.False(answer.TouchesTokens());
    }

    [Fact]
    public async Task A_recovery_code_signs_in_once_and_the_owner_can_read_of_it()
    {
        await using var site = Site.Start();
        var (_, codes) = await TurnOnAsync(site);
        using var first = await PasswordAsync(site);
        await RecoverAsync(first, codes[0].ToLowerInvariant());
        Assert.NotNull(first.Pair.Access);

        using var second = await PasswordAsync(site);
        await RecoverAsync(second, codes[0]);
        Assert.Null(second.Pair.Access);
        Assert.Contains(Wrong, second.Page.Body!.TextContent, StringComparison.Ordinal);
        await second.SubmitAsync(Form, ("code", codes[1]));
        Assert.NotNull(second.Pair.Access);

        await Waiting.UntilAsync(() => site.InDatabaseAsync(db =>
            db.SecurityEvents.AnyAsync(each => each.Kind == SecurityEventKinds.RecoveryCodeUsed)));
        await second.OpenAsync("/account/two-step");
        Assert.Contains("You have 8 recovery codes left.", second.Page.Body!.TextContent, StringComparison.Ordinal);
    }

    /// <summary>What it has read is written with nothing that comes after it.</summary>
    [Fact]
    public async Task A_recovery_code_that_lost_a_race_does_not_bring_back_the_one_that_won()
    {
        await using var site = Site.Start();
        var (_, codes) = await TurnOnAsync(site);
        var account = await AccountAsync(site);
        var first = new FirstStep(new UserId(account.Id), account.SecurityStamp!);
        await using var late = site.Services.CreateAsyncScope();
        await late.ServiceProvider.GetRequiredService<TwoStep>().FindAsync(first.User);
        Assert.Equal(SecondStepStatus.Proved, await RecoverAsync(site, first, codes[0]));

        var lost = await late.ServiceProvider.GetRequiredService<SecondStep>()
            .CheckAsync(first, SecondStepKind.RecoveryCode, codes[1], Some.Client);

        Assert.Equal(SecondStepStatus.Wrong, lost.Status);
        Assert.Equal(1, (await AccountAsync(site)).AccessFailedCount);
        Assert.Equal(SecondStepStatus.Wrong, await RecoverAsync(site, first, codes[0]));
        Assert.Equal(SecondStepStatus.Proved, await RecoverAsync(site, first, codes[1]));
    }

    [Fact]
    public async Task A_code_is_not_good_twice_however_it_is_written_and_neither_is_the_one_that_turned_it_on()
    {
        await using var site = Site.Start();
        var (app, _) = await TurnOnAsync(site);
        var spent = app.Code();
        using var first = await PasswordAsync(site);
        await first.SubmitAsync(Form, ("code", app.Code(-1)));
        Assert.Null(first.Pair.Access);
        await first.SubmitAsync(Form, ("code", spent));
        Assert.NotNull(first.Pair.Access);

        using var second = await PasswordAsync(site);
        foreach (var again in new[] { spent, $" {spent}", $"+{spent}" })
        {
            await second.SubmitAsync(Form, ("code", again));
            Assert.Contains(Wrong, second.Page.Body!.TextContent, StringComparison.Ordinal);
        }

        Assert.Null(second.Pair.Access);
        await second.SubmitAsync(Form, ("code", app.Code(1)));
        Assert.NotNull(second.Pair.Access);
    }

    /// <summary>Identity reads a code as a number, for which a sign stands as well as a zero.</summary>
    [Fact]
    public async Task A_code_that_begins_with_a_zero_is_not_good_again_with_a_sign()
    {
        await using var site = Site.Start();
        using var ada = await Visitor.SignedInAsync(site);
        string? code;
        do
        {
            var app = await Authenticator.BeginAsync(ada);
            code = Enumerable.Range(-1, 3).Select(app.Code).FirstOrDefault(digits => digits[0] == '0');
        }
        while (code is null);

        await ada.SubmitAsync("form[action*='handler=On']", ("code", code), ("password", Password));
        Assert.True((await AccountAsync(site)).TwoFactorEnabled);
        using var browser = await PasswordAsync(site);

        await browser.SubmitAsync(Form, ("code", $"+{code[1..]}"));

        Assert.Null(browser.Pair.Access);
    }

    [Fact]
    public async Task Of_two_who_bring_one_code_in_the_same_moment_one_is_let_in()
    {
        await using var site = Site.Start();
        var (app, _) = await TurnOnAsync(site);
        using var first = await PasswordAsync(site);
        using var second = await PasswordAsync(site);
        var code = app.Code();
        var spending = site.Database.Hold("INSERT INTO AspNetUserTokens");

        var answers = new[] { first, second }.Select(browser => Task.Run(() => browser.SubmitAsync(Form, ("code", code)))).ToList();
        await spending.ArrivedAsync(2);
        spending.Open();
        await Task.WhenAll(answers);

        Assert.Single(new[] { first, second }, browser => browser.Pair.Access is not null);
    }

    [Fact]
    public async Task A_good_second_step_forgives_what_was_mistyped_before()
    {
        await using var site = Site.Start();
        var (_, recovery) = await TurnOnAsync(site);
        foreach (var code in recovery.Take(2))
        {
            using var browser = await PasswordAsync(site);
            await OpenRecoveryAsync(browser);
            for (var i = 0; i < 4; i++)
            {
                await browser.SubmitAsync(Form, ("code", "wrong"));
            }

            await browser.SubmitAsync(Form, ("code", code));

            Assert.NotNull(browser.Pair.Access);
        }
    }

    [Fact]
    public async Task Five_wrong_codes_lock_the_account_and_no_answer_tells_a_right_code_or_password_from_a_wrong_one()
    {
        await using var site = Site.Start();
        var (app, _) = await TurnOnAsync(site);
        using var browser = await PasswordAsync(site);
        for (var i = 0; i < 4; i++)
        {
            await browser.SubmitAsync(Form, ("code", app.WrongCode()));
        }

        // The right password in between forgives nothing: whoever knows it could guess codes without end.
        using var again = await PasswordAsync(site);
        await again.SubmitAsync(Form, ("code", app.WrongCode()));
        var wrongCode = Problem(again.Page);
        await again.SubmitAsync(Form, ("code", app.Code()));

        Assert.Equal((null, wrongCode), (again.Pair.Access, Problem(again.Page)));
        Assert.StartsWith(Wrong, wrongCode, StringComparison.Ordinal);
        using var other = new Visitor(site);
        var told = new List<string>();
        foreach (var password in new[] { Password, "a guess" })
        {
            await other.OpenAsync("/login");
            await other.SubmitAsync(Form, ("Input.UserName", "ada"), ("Input.Password", password));
            told.Add($"{new Uri(other.Page.Url).AbsolutePath} {Problem(other.Page)}");
        }

        Assert.StartsWith("/login The name or the password is not right", told[0], StringComparison.Ordinal);
        Assert.Equal(told[0], told[1]);
        await Waiting.UntilAsync(() => site.InDatabaseAsync(db => db.SecurityEvents.AnyAsync(each => each.Kind == SecurityEventKinds.LockedOut)));
    }

    [Fact]
    public async Task Whoever_takes_too_long_begins_again_and_gets_where_they_wanted_to_go()
    {
        await using var site = Site.Start();
        var (app, _) = await TurnOnAsync(site);
        using var browser = await PasswordAsync(site, "/login?returnUrl=%2Faccount");
        site.Leap(FirstSteps.Life + TimeSpan.FromSeconds(1));

        await browser.SubmitAsync(Form, ("code", app.Code()));

        Assert.Equal("/login?reason=expired&returnUrl=%2Faccount", new Uri(browser.Page.Url).PathAndQuery);
        Assert.Null(browser.Pair.Access);
    }

    [Fact]
    public async Task A_code_of_one_account_is_worth_nothing_for_another()
    {
        await using var site = Site.Start();
        var (app, _) = await TurnOnAsync(site);
        using var bob = await Visitor.SignedInAsync(site, "bob");
        await Authenticator.TurnOnAsync(bob, "Correct-Horse-2");
        using var browser = new Visitor(site);
        await browser.OpenAsync("/login");
        await browser.SubmitAsync(Form, ("Input.UserName", "bob"), ("Input.Password", "Correct-Horse-2"));

        await browser.SubmitAsync(Form, ("code", app.Code()));

        Assert.Null(browser.Pair.Access);
        Assert.StartsWith(Wrong, Problem(browser.Page), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_first_step_does_not_outlive_the_password_or_the_account(bool disabled)
    {
        await using var site = Site.Start();
        using var here = await Visitor.SignedInAsync(site);
        var (app, _) = await Authenticator.TurnOnAsync(here);
        using var browser = await PasswordAsync(site);
        if (disabled)
        {
            await site.InDatabaseAsync(db => db.Users.ExecuteUpdateAsync(user => user.SetProperty(each => each.Disabled, true)));
        }
        else
        {
            await here.OpenAsync("/account/password");
            await here.SubmitAsync(
                Form, ("Input.Current", Password), ("Input.Next", "Battery-Staple-9"), ("Input.Again", "Battery-Staple-9"));
        }

        await browser.SubmitAsync(Form, ("code", app.Code()));

        Assert.Equal("/login?reason=account_changed", new Uri(browser.Page.Url).PathAndQuery);
        Assert.Null(browser.Pair.Access);
    }

    [Fact]
    public async Task The_API_of_programs_opens_no_session_by_a_password_alone_and_does_not_say_that_it_was_right()
    {
        await using var site = Site.Start();
        await TurnOnAsync(site);
        using var program = new Visitor(site);
        var sessions = await site.InDatabaseAsync(db => db.Sessions.CountAsync());
        var answers = new List<string>();
        foreach (var password in new[] { Password, "a guess" })
        {
            using var body = JsonContent.Create(new { username = "ada", password });
            using var answer = await program.SendAsync(HttpMethod.Post, "/api/token/", body, CancellationToken.None);
            answers.Add($"{(int)answer.StatusCode} {(await answer.JsonAsync()).GetProperty("detail")}");
        }

        Assert.Equal("401 No active account found with the given credentials", answers[0]);
        Assert.Equal(answers[0], answers[1]);
        Assert.Equal(sessions, await site.InDatabaseAsync(db => db.Sessions.CountAsync()));
    }

    [Fact]
    public async Task A_database_that_is_away_is_no_wrong_code()
    {
        await using var site = Site.Start();
        var (app, _) = await TurnOnAsync(site);
        using var browser = await PasswordAsync(site);
        site.Database.IsDown = true;
        await browser.SubmitAsync(Form, ("code", app.Code()));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, browser.Page.StatusCode);
        site.Database.IsDown = false;

        await browser.OpenAsync("/login/code");
        await browser.SubmitAsync(Form, ("code", app.Code()));

        Assert.NotNull(browser.Pair.Access);
    }

    [Fact]
    public async Task What_was_spent_is_forgotten_when_it_could_not_be_used_any_more()
    {
        await using var site = Site.Start();
        var user = new UserId((await AccountAsync(site)).Id);
        var spent = site.Services.GetRequiredService<SpentProofs>();
        Assert.True(await spent.TrySpendAsync(user, "code 123456"));
        site.Leap(SpentProofs.Remembered);
        Assert.False(await spent.TrySpendAsync(user, "code 123456"));
        site.Leap(TimeSpan.FromMilliseconds(1));

        Assert.True(await spent.TrySpendAsync(user, "code 654321"));

        Assert.Equal(1, await site.InDatabaseAsync(db => db.UserTokens.CountAsync()));
    }

    private static async Task<(Authenticator App, IReadOnlyList<string> RecoveryCodes)> TurnOnAsync(Site site)
    {
        using var ada = await Visitor.SignedInAsync(site);
        return await Authenticator.TurnOnAsync(ada);
    }

    /// <summary>Somebody who has typed the right password, and stands before the second step.</summary>
    private static async Task<Visitor> PasswordAsync(Site site, string path = "/login")
    {
        var browser = new Visitor(site);
        await browser.OpenAsync(path);
        await browser.SubmitAsync(Form, ("Input.UserName", "ada"), ("Input.Password", Password));
        Assert.Equal("/login/code", new Uri(browser.Page.Url).AbsolutePath);
        return browser;
    }

    private static Task<IDocument> OpenRecoveryAsync(Visitor browser) =>
        browser.OpenAsync(browser.Page.QuerySelector("a[href*='recovery']")!.GetAttribute("href")!);

    private static async Task RecoverAsync(Visitor browser, string code)
    {
        await OpenRecoveryAsync(browser);
        await browser.SubmitAsync(Form, ("code", code));
    }

    private static async Task<SecondStepStatus> RecoverAsync(Site site, FirstStep first, string code)
    {
        await using var scope = site.Services.CreateAsyncScope();
        return (await scope.ServiceProvider.GetRequiredService<SecondStep>()
            .CheckAsync(first, SecondStepKind.RecoveryCode, code, Some.Client)).Status;
    }

    private static string Problem(IDocument page) => page.QuerySelector("#form-problem")?.TextContent ?? "";

    private static Task<Account> AccountAsync(Site site) =>
        site.InDatabaseAsync(db => db.Users.AsNoTracking().SingleAsync(user => user.UserName == "ada"));
}
