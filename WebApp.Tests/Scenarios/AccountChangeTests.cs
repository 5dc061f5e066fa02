using System.Net;
using Microsoft.EntityFrameworkCore;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>Scenarios 36 and 37: what becomes of a session when its account changes.</summary>
public sealed class AccountChangeTests
{
    [Fact]
    public async Task A_disabled_account_with_a_current_refresh_token_is_refused()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        await site.InDatabaseAsync(db => db.Users.ExecuteUpdateAsync(user => user.SetProperty(each => each.Disabled, true)));
        site.ExpireAccessTokens();

        using var page = await visitor.GetAsync("/notes");
        using var program = await visitor.GetAsync("/api/me");

        Assert.True(page.AsksToSignIn("account_changed"));
        Assert.Equal("account_changed", (await program.JsonAsync()).GetProperty("reason").GetString());
        var row = await site.TheSessionAsync();
        Assert.Equal((0, "account_changed"), (row.Generation, row.RevokedReason));
    }

    [Fact]
    public async Task A_deleted_account_is_refused()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        await site.InDatabaseAsync(db => db.Users.Where(user => user.UserName == "ada").ExecuteDeleteAsync());
        site.ExpireAccessTokens();

        using var answer = await visitor.GetAsync("/notes");

        Assert.True(answer.AsksToSignIn("account_changed"));
    }

    [Fact]
    public async Task A_changed_security_stamp_ends_the_sessions_that_were_opened_before()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        await site.InDatabaseAsync(db => db.Users.ExecuteUpdateAsync(user => user.SetProperty(each => each.SecurityStamp, "new")));
        using var opened = await Visitor.SignedInAsync(site);
        site.ExpireAccessTokens();

        using var before = await visitor.GetAsync("/notes");
        using var after = await opened.GetAsync("/notes");

        Assert.True(before.AsksToSignIn("account_changed"));
        Assert.Equal(HttpStatusCode.OK, after.StatusCode);
    }

    [Fact]
    public async Task An_account_that_is_disabled_while_its_spent_token_is_replayed_gets_no_successor()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        var spent = visitor.Pair;
        site.ExpireAccessTokens();
        using var rotated = await visitor.GetAsync("/api/me");
        var gate = site.Database.Hold("SET \"LastUsedAt\"");
        using var late = new Visitor(site) { Pair = spent };

        var replay = late.GetAsync("/notes");
        await gate.Arrived;
        await site.InDatabaseAsync(db => db.Users.ExecuteUpdateAsync(user => user.SetProperty(each => each.Disabled, true)));
        gate.Open();
        using var answer = await replay;

        Assert.True(answer.AsksToSignIn("account_changed"));
        Assert.False(answer.TouchesTokens());
    }

    [Fact]
    public async Task A_role_that_is_given_or_taken_is_in_force_at_the_next_refresh()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site, "ada");
        using var before = await visitor.GetAsync("/api/me");
        await site.InDatabaseAsync(db => db.UserRoles.ExecuteDeleteAsync());
        using var stillThere = await visitor.GetAsync("/api/me");
        site.ExpireAccessTokens();
        using var after = await visitor.GetAsync("/api/me");

        Assert.Equal("Admin", Roles(await before.JsonAsync()));
        Assert.Equal("Admin", Roles(await stillThere.JsonAsync()));
        Assert.Equal("", Roles(await after.JsonAsync()));

        static string Roles(System.Text.Json.JsonElement me) =>
            string.Join(",", me.GetProperty("roles").EnumerateArray().Select(role => role.GetString()));
    }
}
