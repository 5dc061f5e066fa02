using System.Net;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>Scenarios 3, 5, 6 and 12: the answer that carried the new pair never arrived, or was thrown away on its way.</summary>
public sealed class LostResponseTests
{
    public static TheoryData<TimeSpan> Absences => [TimeSpan.Zero, Site.ReplayWindow * 2, TimeSpan.FromHours(7), TimeSpan.FromDays(13)];

    [Theory]
    [MemberData(nameof(Absences))]
    public async Task A_lost_response_is_made_good_however_long_ago_it_was_lost(TimeSpan absence)
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        await LoseResponseAsync(site, visitor);
        site.Leap(absence);

        using var answer = await visitor.GetAsync("/api/me");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(1, answer.NewPair()!.Generation);
        Assert.Equal(1, (await site.TheSessionAsync()).Generation);
    }

    [Fact]
    public async Task Twenty_tabs_that_come_back_after_a_lost_response_all_get_the_same_successor()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        await LoseResponseAsync(site, visitor);
        site.Time.Advance(Site.ReplayWindow * 2);

        // The first one comes alone, and its answer arrives, is used, and so is seen; the others still hold the old pair.
        var tabs = Enumerable.Range(0, 20).Select(_ => visitor.Twin()).ToList();
        using var first = await visitor.GetAsync("/api/me");
        Assert.Equal(1, first.NewPair()!.Generation);
        await visitor.ProveReceiptAsync();

        var answers = await Task.WhenAll(tabs.Select(tab => tab.GetAsync("/api/me")));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        Assert.All(answers, answer => Assert.Equal(1, answer.NewPair()!.Generation));
        tabs.ForEach(tab => tab.Dispose());
    }

    [Fact]
    public async Task A_tab_that_comes_at_the_end_of_the_window_is_replayed_and_one_after_it_is_a_copy()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        using var late = visitor.Twin();
        using var tooLate = visitor.Twin();
        site.ExpireAccessTokens();
        using var rotated = await visitor.GetAsync("/api/me");
        await visitor.ProveReceiptAsync();

        site.Time.Advance(Site.ReplayWindow);
        using var replayed = await late.GetAsync("/api/me");
        site.Time.Advance(TimeSpan.FromMilliseconds(1));
        using var refused = await tooLate.GetAsync("/notes");

        Assert.Equal(HttpStatusCode.OK, replayed.StatusCode);
        Assert.Equal(1, replayed.NewPair()!.Generation);
        Assert.True(refused.AsksToSignIn("reuse"));
    }

    [Fact]
    public async Task A_lost_response_is_made_good_by_a_site_that_was_restarted_meanwhile()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        await LoseResponseAsync(site, visitor);
        await using var restarted = site.StartAnother();
        using var returned = visitor.MoveTo(restarted);

        using var answer = await returned.GetAsync("/api/me");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(1, answer.NewPair()!.Generation);
    }

    [Fact]
    public async Task Set_Cookie_thrown_away_by_something_in_between_signs_nobody_out()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        for (var time = 1; time <= 30; time++)
        {
            await LoseResponseAsync(site, visitor);
        }

        Assert.Equal(1, (await site.TheSessionAsync()).Generation);
    }

    [Fact]
    public async Task An_access_token_that_was_renewed_stays_good_for_requests_under_way()
    {
        // Scenario 40.
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        var old = visitor.Pair;
        using var other = visitor.Twin();
        other.Pair = old.WithoutAccess();

        using var rotated = await other.GetAsync("/api/me");
        using var underWay = await visitor.GetAsync("/api/me");

        Assert.Equal(1, rotated.NewPair()!.Generation);
        Assert.Equal(HttpStatusCode.OK, underWay.StatusCode);
        Assert.False(underWay.TouchesTokens());
    }

    /// <summary>Refreshes, and keeps the old pair as if the answer had never arrived.</summary>
    private static async Task LoseResponseAsync(Site site, Visitor visitor)
    {
        var old = visitor.Pair;
        site.ExpireAccessTokens();
        using var lost = await visitor.GetAsync("/api/me");
        Assert.Equal(HttpStatusCode.OK, lost.StatusCode);
        visitor.Pair = old;
    }
}
