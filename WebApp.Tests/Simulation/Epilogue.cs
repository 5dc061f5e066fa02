namespace WebApp.Tests.Simulation;

/// <summary>
/// When the plan is over everything is mended, and time moves on: whoever was not sent away is still signed in, and copies of
/// one session find each other out.
/// </summary>
internal sealed class Epilogue(World world, Stage stage)
{
    private readonly Dice dice = new(world.Plan.Schedule + 1);

    private TimeSpan Access => world.Options.Value.AccessTokenLifetime;

    private TimeSpan Window => world.Options.Value.ReplayWindow;

    public async Task PlayAsync()
    {
        world.Say($"— the faults are over");
        world.Database.Heal();
        world.Redis.Heal();
        stage.CalmDown();
        foreach (var node in world.Nodes)
        {
            node.Lane.Disarm();
            node.Thaw();
        }

        // All that is under way arrives, is answered, and arrives again; dead nodes are started.
        await world.PauseAsync(TimeSpan.FromSeconds(45 + world.Plan.SlowestPageSeconds));
        foreach (var exchange in stage.UnderWay)
        {
            world.Break(Invariant.Liveness, $"{exchange} is never answered.");
        }

        await ReloadAsync();
        await world.PauseAsync(Access + TimeSpan.FromSeconds(2));
        await ReloadAsync();
        await LetCopiesMeetAsync();
        world.End();
    }

    private async Task ReloadAsync()
    {
        foreach (var browser in stage.Browsers)
        {
            for (var load = 0; load < 2; load++)
            {
                await LoadAsync(browser);
            }
        }
    }

    private async Task LoadAsync(Browser browser)
    {
        var answer = await stage.SendAsync(browser, Kind.Page, dice);
        if (answer is null || answer.Status == 503)
        {
            world.Break(Invariant.Liveness, $"{browser} gets no answer although nothing is amiss.");
        }
    }

    /// <summary>Owner and thief take turns, further apart than the window.</summary>
    private async Task LetCopiesMeetAsync()
    {
        var pairs = (
            from session in world.Judge.Stolen
            let holders = stage.Thieves.Concat(stage.Browsers).Where(each => each.Refresh?.Session == session).ToList()
            where holders.Exists(each => each.IsThief) && holders.Exists(each => !each.IsThief)
            select (session, holders)).ToList();
        if (pairs.Count == 0)
        {
            return;
        }

        for (var turn = 0; turn < 3; turn++)
        {
            foreach (var holder in pairs.SelectMany(each => each.holders).ToList())
            {
                // The second time proves that the first answer has arrived.
                await LoadAsync(holder);
                await LoadAsync(holder);
                await world.PauseAsync(Access + Window + TimeSpan.FromSeconds(3));
            }
        }

        foreach (var (session, _) in pairs)
        {
            world.Judge.AssertCaught(session);
        }
    }
}
