using System.Net;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>Scenario 7: a response that leaves late could overwrite a newer pair in the browser.</summary>
public sealed class LateResponseTests
{
    [Theory]
    [InlineData(10_000, true)]
    [InlineData(10_001, false)]
    public async Task A_page_that_leaves_later_than_a_third_of_the_window_sets_no_cookies(int milliseconds, bool setsCookies)
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        site.ExpireAccessTokens();
        var slow = site.Database.Hold("\"Notes\"");
        var request = visitor.GetAsync("/notes");
        await slow.Arrived;
        site.Time.Advance(TimeSpan.FromMilliseconds(milliseconds));
        slow.Open();

        using var answer = await request;

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(setsCookies, answer.TouchesTokens());
    }

    [Fact]
    public async Task The_request_after_a_page_that_left_too_late_gets_the_pair_that_page_could_not_carry()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        site.ExpireAccessTokens();
        var slow = site.Database.Hold("\"Notes\"");
        var request = visitor.GetAsync("/notes");
        await slow.Arrived;
        site.Time.Advance(Site.ReplayWindow);
        slow.Open();
        using var late = await request;

        using var next = await visitor.GetAsync("/api/me");

        Assert.False(late.TouchesTokens());
        Assert.Equal(1, next.NewPair()!.Generation);
        Assert.Equal(1, (await site.TheSessionAsync()).Generation);
    }

    [Fact]
    public async Task A_pair_granted_before_a_streamed_answer_leaves_with_its_first_byte()
    {
        // Scenario 53: the health of a stream is not known when it begins; the session is.
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        site.ExpireAccessTokens();

        using var answer = await visitor.GetAsync("/streamed");

        Assert.Equal(1, answer.NewPair()!.Generation);
        Assert.Equal("one two", await answer.Content.ReadAsStringAsync());
    }
}
