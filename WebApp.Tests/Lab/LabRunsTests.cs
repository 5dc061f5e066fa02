using Microsoft.Extensions.DependencyInjection;
using WebApp.Lab;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Lab;

/// <summary>Runs behind the requests' backs: how they begin, how they end, and what they leave behind.</summary>
public sealed class LabRunsTests
{
    private static readonly LabPlan Plan = new(LabStrategy.Site, Requests: 20, Tabs: 2, Lost: 0, Seed: 1, Nodes: 1);

    [Fact]
    public async Task The_end_of_the_site_breaks_a_run_off_and_its_session_is_ended()
    {
        await using var site = Site.Start();
        var node = site.StartAnother();
        var runs = node.Services.GetRequiredService<LabRuns>();
        var gate = node.Database.Hold(DatabaseProbe.Rotation);
        await runs.TryStartAsync(Plan);
        await gate.Arrived;

        await node.DisposeAsync();

        Assert.Equal(RefusalReason.Revoked.Name(), (await site.TheSessionAsync()).RevokedReason);
    }

    [Fact]
    public async Task A_run_that_meets_a_fault_says_so_and_the_next_one_may_start()
    {
        await using var site = Site.Start();
        var runs = site.Services.GetRequiredService<LabRuns>();
        site.Database.IsDown = true;

        var id = await runs.TryStartAsync(Plan);
        await site.Logs.HeardAsync(LogEvents.LabRunFailed);
        await Waiting.UntilAsync(async () => (await runs.FindAsync(id!.Value, CancellationToken.None))!.Status == LabStatus.Failed);

        site.Database.IsDown = false;
        using var visitor = new Visitor(site);
        Assert.Contains("broke off", (await visitor.OpenAsync($"/lab/runs/{id}")).QuerySelector("main .problem")!.TextContent, StringComparison.Ordinal);
        Assert.StartsWith("Nobody", (await visitor.FireAsync("Site")).Verdict(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Several_storms_that_are_asked_for_at_once_become_one()
    {
        await using var site = Site.Start();
        var runs = site.Services.GetRequiredService<LabRuns>();
        var gate = site.Database.Hold(DatabaseProbe.Rotation);

        var started = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => runs.TryStartAsync(Plan))));

        Assert.Single(started, id => id is not null);
        gate.Open();
    }

    [Fact]
    public async Task Another_node_shows_what_is_kept_of_a_run_and_no_token_is()
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site);
        var page = await visitor.FireAsync("Rotate", requests: 5);
        var id = Guid.Parse(new Uri(page.Url).Segments[^1]);

        var kept = await site.Services.GetRequiredService<LabStore>().FindAsync(id, CancellationToken.None);

        Assert.Equal((LabStatus.Done, 9, 5, 4), (kept!.Status, kept.Done, kept.Result!.Storm.Count, kept.Result.Reloads.Count));
        Assert.DoesNotMatch(NoTokens.Tokens(), System.Text.Json.JsonSerializer.Serialize(kept));
    }
}
