namespace WebApp.Lab;

/// <summary>What a storm is fired at: the running site with a session of the lab's own, or a sandbox. Disposing it ends that session.</summary>
internal interface ILabGround : IAsyncDisposable
{
    IReadOnlyList<LabNode> Nodes { get; }

    /// <summary>What the browser holds when the storm begins.</summary>
    LabPair Pair { get; }

    /// <summary>The generation of the session's row, which is how often it has been rotated.</summary>
    Task<int> GenerationAsync(CancellationToken cancellation);
}

/// <summary>
/// Many requests of one browser at the same moment, all with the same pair; then each tab once more, to see who is still signed in.
/// </summary>
internal sealed class Storm(TimeProvider time)
{
    /// <param name="plan">What to fire.</param>
    /// <param name="ground">At what.</param>
    /// <param name="answered">Told after each answer.</param>
    /// <param name="stopping">Breaks it off.</param>
    public async Task<LabResult> RunAsync(LabPlan plan, ILabGround ground, Action answered, CancellationToken stopping)
    {
        var lost = plan.LostNumbers();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var browser = new LabBrowser(ground, time);
        var presented = browser.Pair;
        var loads = Enumerable.Range(0, plan.Requests).Select(async number =>
        {
            await gate.Task;
            var answer = await browser.LoadAsync(Load(number), presented, lost.Contains(number), stopping);
            answered();
            return answer;
        }).ToList();
        gate.SetResult();
        var storm = await Task.WhenAll(loads);
        var rotations = await ground.GenerationAsync(stopping);

        // One after the other: looking who is signed in must not be a second storm.
        var reloads = new List<LabAnswer>();
        for (var tab = 0; tab < plan.Tabs; tab++)
        {
            reloads.Add(await browser.LoadAsync(Load(tab) with { Tab = tab }, browser.Pair, isLost: false, stopping));
            answered();
        }

        return new LabResult(WithOneRotation(storm), reloads, rotations);

        LabLoad Load(int number)
        {
            var node = number % Math.Min(plan.Nodes, ground.Nodes.Count);
            return new LabLoad(number, number % plan.Tabs, node, ground.Nodes[node]);
        }
    }

    /// <summary>
    /// The passengers of one flight are all told that it rotated. One of them began it: the one that the site says waited longest for
    /// it. To the others it gave the same successor, which is what a replay is.
    /// </summary>
    internal static IReadOnlyList<LabAnswer> WithOneRotation(IReadOnlyList<LabAnswer> storm)
    {
        var first = storm.Where(answer => answer.Outcome == LabOutcome.Rotated)
            .GroupBy(answer => (answer.Node, answer.Generation))
            .Select(flight => flight.OrderByDescending(answer => answer.Refresh).ThenBy(answer => answer.Began).First().Number)
            .ToHashSet();
        return
        [
            .. storm.Select(answer => answer.Outcome == LabOutcome.Rotated && !first.Contains(answer.Number)
                ? answer with { Outcome = LabOutcome.Replayed }
                : answer),
        ];
    }
}
