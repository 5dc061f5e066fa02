using System.Net;
using Microsoft.Extensions.DependencyInjection;
using WebApp.Coordination;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>Scenario 4: the browser leaves in mid-refresh, because reload was hammered or the tab was closed.</summary>
public sealed class AbortedRequestTests
{
    [Fact]
    public async Task A_rotation_finishes_although_everybody_who_asked_for_it_has_left()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        site.ExpireAccessTokens();
        var gate = site.Database.Hold(DatabaseProbe.Rotation);
        using var reload = new CancellationTokenSource();

        var request = visitor.AbortedAsync("/api/me", reload.Token);
        await gate.Arrived;
        await reload.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        await site.Requests.EndedAsync(1);
        var rotated = site.Database.NextAsync(DatabaseProbe.Rotation);
        gate.Open();
        await rotated;

        var answer = await visitor.GetAsync("/api/me");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(1, answer.NewPair()!.Generation);
        Assert.Equal(1, (await site.TheSessionAsync()).Generation);
    }

    [Fact]
    public async Task An_aborted_request_does_not_abort_the_one_that_waits_beside_it()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        using var other = visitor.Twin();
        site.ExpireAccessTokens();
        var gate = site.Database.Hold(DatabaseProbe.Rotation);
        using var reload = new CancellationTokenSource();

        var aborted = visitor.AbortedAsync("/api/me", reload.Token);
        await gate.Arrived;
        var waiting = other.GetAsync("/api/me");
        await site.Requests.EnteredAsync(2);
        await reload.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => aborted);
        await site.Requests.EndedAsync(1);
        gate.Open();

        Assert.Equal(HttpStatusCode.OK, (await waiting).StatusCode);
    }

    [Fact]
    public async Task A_hundred_reloads_aborted_at_expiry_lose_nothing()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        var coordinator = site.Services.GetRequiredService<RefreshCoordinator>();
        for (var round = 1; round <= 100; round++)
        {
            site.ExpireAccessTokens();
            using var reload = new CancellationTokenSource();
            var aborted = visitor.AbortedAsync("/api/me", reload.Token);
            await site.Requests.EnteredAsync((2 * round) - 1);
            await reload.CancelAsync();
            try
            {
                // It may have been answered before it could be aborted.
                using var answer = await aborted;
            }
            catch (OperationCanceledException)
            {
            }

            using var next = await visitor.GetAsync("/api/me");
            Assert.Equal(HttpStatusCode.OK, next.StatusCode);
            Assert.Equal(round, (await site.TheSessionAsync()).Generation);

            // Minutes go by before the next one. No request may be under way for so long, nor the refresh that one has left behind.
            await site.Requests.EndedAsync(2 * round);
            await Waiting.UntilAsync(() => Task.FromResult(coordinator.UnderWay == 0));
        }
    }
}
