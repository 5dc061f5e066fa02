using System.Net;
using Microsoft.EntityFrameworkCore;
using WebApp.Coordination;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>Scenarios 8, 41, 42 and 43: somebody holds a copy.</summary>
public sealed class TheftTests
{
    [Fact]
    public async Task A_spent_token_that_comes_back_after_its_window_ends_the_session_and_leaves_an_event()
    {
        await using var site = Site.Start();
        using var owner = await Visitor.SignedInAsync(site);
        using var thief = owner.Twin();
        site.ExpireAccessTokens();
        using var refreshed = await owner.GetAsync("/api/me");
        await owner.ProveReceiptAsync();
        site.Time.Advance(Site.ReplayWindow + TimeSpan.FromSeconds(1));

        using var stolen = await thief.GetAsync("/notes");
        using var ownersNext = await owner.GetAsync("/notes");

        Assert.True(stolen.AsksToSignIn("reuse"));
        Assert.True(ownersNext.AsksToSignIn("reuse"));
        var row = await site.TheSessionAsync();
        Assert.Equal("reuse", row.RevokedReason);
        var securityEvent = await site.InDatabaseAsync(db => db.SecurityEvents.SingleAsync(each => each.Kind != SecurityEventKinds.SignedIn));
        Assert.Equal(("reuse", row.UserId, row.Id), (securityEvent.Kind, securityEvent.UserId, securityEvent.SessionId));
    }

    [Fact]
    public async Task Two_generations_behind_is_refused_at_once_and_ends_the_session_once()
    {
        await using var site = Site.Start();
        using var owner = await Visitor.SignedInAsync(site);
        var thieves = Enumerable.Range(0, 20).Select(_ => owner.Twin()).ToList();
        for (var refresh = 0; refresh < 2; refresh++)
        {
            site.ExpireAccessTokens();
            using var answer = await owner.GetAsync("/api/me");
            answer.EnsureSuccessStatusCode();
        }

        var answers = await Task.WhenAll(thieves.Select(thief => thief.GetAsync("/api/me")));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode));
        Assert.Equal(1, await site.InDatabaseAsync(db => db.SecurityEvents.CountAsync(each => each.Kind == SecurityEventKinds.Reuse)));
        thieves.ForEach(thief => thief.Dispose());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Thief_and_owner_inside_one_window_are_told_apart_once_both_have_refreshed_again(bool thiefFirst)
    {
        await using var site = Site.Start();
        using var owner = await Visitor.SignedInAsync(site);
        using var thief = owner.Twin();
        var (first, second) = thiefFirst ? (thief, owner) : (owner, thief);

        // Within one window of each other they look alike: both get the same generation.
        site.ExpireAccessTokens();
        using var one = await first.GetAsync("/api/me");
        using var two = await second.GetAsync("/api/me");
        Assert.Equal(1, one.NewPair()!.Generation);
        Assert.Equal(1, two.NewPair()!.Generation);

        // Then the first refreshes, uses what it got, and the second comes later than a window after that.
        site.ExpireAccessTokens();
        using var drifted = await first.GetAsync("/api/me");
        Assert.Equal(2, drifted.NewPair()!.Generation);
        await first.ProveReceiptAsync();
        site.Time.Advance(Site.ReplayWindow + TimeSpan.FromSeconds(1));
        using var caught = await second.GetAsync("/api/me");

        Assert.Equal("reuse", (await caught.JsonAsync()).GetProperty("reason").GetString());
        Assert.Equal(HttpStatusCode.Unauthorized, (await first.GetAsync("/api/me")).StatusCode);
    }

    [Fact]
    public async Task A_thief_who_keeps_a_slow_request_open_is_handed_no_generation_that_he_did_not_ask_for()
    {
        await using var site = Site.Start();
        using var owner = await Visitor.SignedInAsync(site);
        using var thief = owner.Twin();
        site.ExpireAccessTokens();
        var slow = site.Database.Hold("\"Notes\"");

        var kept = thief.GetAsync("/notes");
        await slow.Arrived;
        site.Time.Advance(Site.ReplayWindow);
        site.ExpireAccessTokens();
        using var owned = await owner.GetAsync("/api/me");
        slow.Open();
        using var answer = await kept;

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.False(answer.TouchesTokens());
    }

    [Fact]
    public async Task Hammering_a_spent_token_does_not_make_its_window_slide()
    {
        await using var site = Site.Start();
        using var owner = await Visitor.SignedInAsync(site);
        using var thief = owner.Twin();
        var spent = thief.Pair;
        site.ExpireAccessTokens();
        using var refreshed = await owner.GetAsync("/api/me");
        await owner.ProveReceiptAsync();

        for (var second = 0; second < 30; second++)
        {
            site.Time.Advance(TimeSpan.FromSeconds(1));
            thief.Pair = spent;
            using var replayed = await thief.GetAsync("/api/me");
            Assert.Equal(HttpStatusCode.OK, replayed.StatusCode);
        }

        site.Time.Advance(TimeSpan.FromSeconds(1));
        thief.Pair = spent;
        using var caught = await thief.GetAsync("/api/me");
        Assert.Equal(HttpStatusCode.Unauthorized, caught.StatusCode);
    }

    [Fact]
    public async Task Hammering_a_spent_token_beyond_its_budget_is_put_off_and_never_refused()
    {
        await using var site = Site.Start();
        using var owner = await Visitor.SignedInAsync(site);
        using var thief = owner.Twin();
        var spent = thief.Pair;
        site.ExpireAccessTokens();
        using var refreshed = await owner.GetAsync("/api/me");

        var answers = new List<HttpStatusCode>();
        for (var time = 0; time < 2 * RefreshBudget.Burst && !answers.Contains(HttpStatusCode.ServiceUnavailable); time++)
        {
            thief.Pair = spent;
            using var answer = await thief.GetAsync("/api/me");
            answers.Add(answer.StatusCode);
        }

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answers[^1]);
        Assert.InRange(answers.Count, RefreshBudget.Burst, 2 * RefreshBudget.Burst);
        Assert.Null((await site.TheSessionAsync()).RevokedAt);
        using var unaffected = await owner.GetAsync("/api/me");
        Assert.Equal(HttpStatusCode.OK, unaffected.StatusCode);
    }

    [Fact]
    public async Task A_generation_ahead_of_the_row_moves_the_row_forward()
    {
        // A database that failed over has lost its last commit; the browser holds what that commit granted.
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        site.ExpireAccessTokens();
        using var granted = await visitor.GetAsync("/api/me");
        await site.InDatabaseAsync(db => db.Sessions.ExecuteUpdateAsync(row => row.SetProperty(each => each.Generation, 0)));
        site.ExpireAccessTokens();

        using var answer = await visitor.GetAsync("/api/me");

        Assert.Equal(2, answer.NewPair()!.Generation);
        Assert.Equal(2, (await site.TheSessionAsync()).Generation);
    }
}
