using System.Net;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>Scenarios 1 and 3: many requests with one expired pair.</summary>
public sealed class SameGenerationTests
{
    [Theory]
    [InlineData(60)]
    [InlineData(300)]
    public async Task Parallel_requests_with_one_expired_pair_rotate_once_and_all_get_the_same_successor(int count)
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        var before = visitor.Pair;
        site.ExpireAccessTokens();

        var gate = site.Database.Hold(DatabaseProbe.Rotation);
        var requests = Enumerable.Range(0, count).Select(_ => Task.Run(() => visitor.GetAsync("/api/me"))).ToList();
        await site.Requests.EnteredAsync(count);
        await gate.Arrived;
        gate.Open();
        var answers = await Task.WhenAll(requests);

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        Assert.All(answers, answer => Assert.Equal(before.Generation + 1, answer.NewPair()!.Generation));
        Assert.Equal(before.Generation + 1, (await site.TheSessionAsync()).Generation);
    }
}
