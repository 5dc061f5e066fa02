using System.Globalization;
using System.Text;
using WebApp.Coordination;

namespace WebApp.Tests.Simulation;

/// <summary>A broken invariant, on as small a plan as was found.</summary>
internal sealed record Failure(ulong Seed, Invariant Invariant, string Story, Plan Plan, IReadOnlyList<string> Trace)
{
    public override string ToString()
    {
        var text = new StringBuilder()
            .Append(CultureInfo.InvariantCulture, $"Seed {Seed} breaks {Invariant}: {Story}").AppendLine()
            .Append(CultureInfo.InvariantCulture, $"Replay it with: scripts/simulate.sh --seed {Seed}").AppendLine()
            .Append(CultureInfo.InvariantCulture, $"{Plan.Nodes} node(s), access token {Plan.Access} s, window {Plan.Window} s, lease {Plan.Lease} s, ")
            .AppendLine("and the smallest plan found:");
        foreach (var stimulus in Plan.Stimuli)
        {
            text.Append(CultureInfo.InvariantCulture, $"{stimulus}").AppendLine();
        }

        text.AppendLine("and what then happens:");
        foreach (var line in Trace)
        {
            text.AppendLine(line);
        }

        return text.ToString();
    }
}

/// <summary>Runs worlds one after the other, on the calling thread.</summary>
internal sealed class Simulation : IDisposable
{
    /// <summary>How many worlds share a budget. It ages in real time, and worlds are short.</summary>
    private const int WorldsPerBudget = 500;

    private RefreshBudget budget = new();
    private int worlds;

    public Totals Totals { get; } = new();

    /// <summary>Null if every invariant holds.</summary>
    public Failure? Try(ulong seed)
    {
        var plan = Plan.Of(seed);
        var world = Run(plan, tracing: false);
        Totals.Add(world.Totals);
        return world.Broken is { } broken ? Explain(seed, plan, broken.Invariant) : null;
    }

    /// <summary>A world in which nothing happens by itself.</summary>
    public World Still() => new(Plan.Of(0) with { Stimuli = [] }, budget, tracing: false);

    public World Run(Plan plan, bool tracing)
    {
        if (++worlds % WorldsPerBudget == 0)
        {
            budget.Dispose();
            budget = new RefreshBudget();
        }

        var world = new World(plan, budget, tracing);
        world.Run();
        return world;
    }

    /// <summary>
    /// For defects that were made on purpose: the first of these seeds that breaks an invariant. Called by name, from outside of the
    /// assembly that this was compiled into.
    /// </summary>
    public static string? Hunt(int first, int last)
    {
        using var simulation = new Simulation();
        for (var seed = first; seed <= last; seed++)
        {
            var world = simulation.Run(Plan.Of((ulong)seed), tracing: false);
            if (world.Broken is { } broken)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{broken.Invariant}|{seed}|{broken.Story}");
            }
        }

        return null;
    }

    public void Dispose() => budget.Dispose();

    private Failure Explain(ulong seed, Plan plan, Invariant invariant)
    {
        var smallest = Shrink(plan, invariant);
        var world = Run(smallest, tracing: true);
        return new Failure(seed, invariant, world.Broken!.Value.Story, smallest, world.Trace);
    }

    /// <summary>Leaves out one stimulus after the other as long as the same invariant still breaks.</summary>
    private Plan Shrink(Plan plan, Invariant invariant)
    {
        for (var shrunk = true; shrunk;)
        {
            shrunk = false;
            for (var each = plan.Stimuli.Count - 1; each >= 0; each--)
            {
                var smaller = plan with { Stimuli = [.. plan.Stimuli.Where((_, index) => index != each)] };
                if (Run(smaller, tracing: false).Broken?.Invariant == invariant)
                {
                    plan = smaller;
                    shrunk = true;
                }
            }
        }

        return plan;
    }
}
