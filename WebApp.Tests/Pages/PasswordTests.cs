using System.Net;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using WebApp.Accounts;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Pages;

/// <summary>Scenario 35: a changed password ends every session but the one that changed it.</summary>
public sealed class PasswordTests
{
    private const string Form = "main form";
    private const string Old = "Correct-Horse-1";
    private const string New = "Battery-Staple-9";

    [Fact]
    public async Task Other_sessions_die_and_this_one_lives_on_beyond_its_next_refresh()
    {
        await using var site = Site.Start();
        using var here = await Visitor.SignedInAsync(site);
        using var there = await Visitor.SignedInAsync(site);

        await ChangeAsync(here, Old, New);

        Assert.Contains("your other session was ended", here.Page.Body!.TextContent, StringComparison.Ordinal);
        using var ended = await there.GetAsync("/notes");
        Assert.True(ended.AsksToSignIn("password_changed"));
        using var program = await there.GetAsync("/api/me");
        Assert.Equal("account_changed", (await program.JsonAsync()).GetProperty("reason").GetString());
        site.ExpireAccessTokens();
        using var alive = await here.GetAsync("/notes");
        Assert.Equal((HttpStatusCode.OK, 1), (alive.StatusCode, here.Pair.Generation));
    }

    [Fact]
    public async Task The_new_password_signs_in_and_the_old_one_does_not()
    {
        await using var site = Site.Start();
        using var here = await Visitor.SignedInAsync(site);
        await ChangeAsync(here, Old, New);
        using var browser = new Visitor(site);

        await browser.OpenAsync("/login");
        await browser.SubmitAsync(Form, ("Input.UserName", "ada"), ("Input.Password", Old));
        Assert.Null(browser.Pair.Access);
        await browser.SignInAsync("ada", New);

        Assert.NotNull(browser.Pair.Access);
    }

    [Fact]
    public async Task A_wrong_current_password_changes_nothing_and_locks_after_five()
    {
        await using var site = Site.Start();
        using var here = await Visitor.SignedInAsync(site);
        var before = await site.InDatabaseAsync(db => db.Users.AsNoTracking().SingleAsync(user => user.UserName == "ada"));
        for (var i = 0; i < 5; i++)
        {
            await ChangeAsync(here, "a guess", New);
            Assert.Equal("This is not your current password.", here.Page.QuerySelector("#current-error")!.TextContent);
        }

        await ChangeAsync(here, Old, New);

        Assert.Contains("too many wrong passwords", here.Page.Body!.TextContent, StringComparison.Ordinal);
        var after = await site.InDatabaseAsync(db => db.Users.AsNoTracking().SingleAsync(user => user.UserName == "ada"));
        Assert.Equal((before.PasswordHash, before.SecurityStamp), (after.PasswordHash, after.SecurityStamp));
        using var alive = await here.GetAsync("/notes");
        Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
    }

    [Theory]
    [InlineData("short", "short", "#next-error")]
    [InlineData(New, "another", "#again-error")]
    [InlineData("", "", "#next-error")]
    public async Task A_new_password_that_breaks_a_rule_is_refused_beside_its_field(string next, string again, string error)
    {
        await using var site = Site.Start();
        using var here = await Visitor.SignedInAsync(site);

        await ChangeAsync(here, Old, next, again);

        Assert.NotEqual("", here.Page.QuerySelector(error)!.TextContent);
        Assert.Equal("true", here.Page.QuerySelector($"[aria-describedby*='{error[1..]}']")!.GetAttribute("aria-invalid"));
    }

    /// <summary>Invariant 5: whoever ends a session wins over a refresh that is under way.</summary>
    [Fact]
    public async Task A_refresh_of_another_session_that_the_change_overtakes_gets_nothing()
    {
        await using var site = Site.Start();
        using var here = await Visitor.SignedInAsync(site);
        using var there = await Visitor.SignedInAsync(site);
        await here.OpenAsync("/account/password");
        there.Pair = there.Pair.WithoutAccess();
        var gate = site.Database.Hold(DatabaseProbe.Rotation);
        var refreshing = there.GetAsync("/notes");
        await gate.Arrived;

        await here.SubmitAsync(Form, ("Input.Current", Old), ("Input.Next", New), ("Input.Again", New));
        gate.Open();
        using var answer = await refreshing;

        Assert.True(answer.AsksToSignIn("password_changed"));
        Assert.False(answer.TouchesTokens());
    }

    [Fact]
    public async Task It_is_recorded_once_for_the_owner()
    {
        await using var site = Site.Start();
        using var here = await Visitor.SignedInAsync(site);

        await ChangeAsync(here, Old, New);

        Assert.Equal(1, await site.InDatabaseAsync(db => db.SecurityEvents.CountAsync(each => each.Kind == SecurityEventKinds.PasswordChanged)));
        var page = await here.OpenAsync("/account/activity");
        Assert.Contains("Your password was changed", page.Body!.TextContent, StringComparison.Ordinal);
    }

    /// <summary>Its access token may be good for minutes yet, on a node that has not heard.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_session_that_has_ended_or_whose_account_is_disabled_changes_nothing(bool disabled)
    {
        await using var site = Site.Start();
        using var here = await Visitor.SignedInAsync(site);
        var row = await site.TheSessionAsync();
        var before = await HashAsync(site);
        await (disabled
            ? site.InDatabaseAsync(db => db.Users.Where(user => user.Id == row.UserId)
                .ExecuteUpdateAsync(user => user.SetProperty(each => each.Disabled, true)))
            : site.InDatabaseAsync(db => db.Sessions.ExecuteUpdateAsync(each => each.SetProperty(session => session.RevokedAt, site.Time.GetUtcNow()))));

        await using var scope = site.Services.CreateAsyncScope();
        var outcome = await scope.ServiceProvider.GetRequiredService<PasswordChange>().ChangeAsync(
            new AccountOwner(new UserId(row.UserId), new SessionId(row.Id), new ClientInfo("a test", "127.0.0.1")), Old, New);

        Assert.Equal(AccountChangeStatus.SessionOver, outcome.Status);
        Assert.Equal(before, await HashAsync(site));
    }

    private static Task<string?> HashAsync(Site site) =>
        site.InDatabaseAsync(db => db.Users.Where(user => user.UserName == "ada").Select(user => user.PasswordHash).SingleAsync());

    private static async Task ChangeAsync(Visitor visitor, string current, string next, string? again = null)
    {
        await visitor.OpenAsync("/account/password");
        await visitor.SubmitAsync(Form, ("Input.Current", current), ("Input.Next", next), ("Input.Again", again ?? next));
    }
}
