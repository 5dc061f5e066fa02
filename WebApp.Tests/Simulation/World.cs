using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Coordination;

namespace WebApp.Tests.Simulation;

/// <summary>
/// One schedule, in one thread: nodes, a database, a Redis and browsers, whose steps are chosen one after the other by a seed.
/// Time passes only when the world says so.
/// </summary>
internal sealed class World
{
    public static readonly DateTimeOffset Beginning = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>The longest that a request or a response is under way (protocol, "Time").</summary>
    public const double LongestJourneySeconds = 9.9;

    private const int MostSteps = 200_000;

    /// <summary>How far a step may be put off although it is ready: a busy process.</summary>
    private static readonly TimeSpan Dawdle = TimeSpan.FromMilliseconds(50);

    /// <summary>What ticks while everybody sleeps is left out until so long before somebody wakes up.</summary>
    private static readonly TimeSpan Wake = TimeSpan.FromSeconds(2);

    private readonly int thread = Environment.CurrentManagedThreadId;
    private readonly List<(Lane Lane, Task Task)> ready = [];
    private readonly PriorityQueue<Action, (long Due, long Number)> alarms = new();
    private readonly PriorityQueue<Action, (long Due, long Number)> ticks = new();
    private readonly List<string>? trace;
    private long number;
    private int steps;
    private string? stray;

    public World(Plan plan, RefreshBudget budget, bool tracing)
    {
        Budget = budget;
        trace = tracing ? [] : null;
        Plan = plan;
        Dice = new Dice(plan.Schedule);
        Options = Microsoft.Extensions.Options.Options.Create(plan.Options());
        Clients = new Lane(this, "clients");
        Judge = new Judge(this);
        Database = new Database(this);
        Redis = new Redis(this);
        Nodes = [.. Enumerable.Range(1, plan.Nodes).Select(each => new Node(this, each))];
        Stage = new Stage(this);
    }

    public Plan Plan { get; }

    public Dice Dice { get; }

    /// <summary>Counts in real time and is far above what one world asks of it; its sessions are never another world's.</summary>
    public RefreshBudget Budget { get; }

    public IOptions<SessionsOptions> Options { get; }

    public Lane Clients { get; }

    public Judge Judge { get; }

    public Database Database { get; }

    public Redis Redis { get; }

    public IReadOnlyList<Node> Nodes { get; }

    public Stage Stage { get; }

    public Totals Totals { get; } = new();

    public TimeSpan Now { get; private set; }

    public bool IsOver { get; private set; }

    public bool IsTracing => trace is not null;

    public (Invariant Invariant, string Story)? Broken { get; private set; }

    public IReadOnlyList<string> Trace => trace ?? [];

    /// <summary>A digest of every choice that was made.</summary>
    public ulong Digest { get; private set; }

    public void Run()
    {
        Totals.Count(Event.Schedule);
        foreach (var node in Nodes)
        {
            node.Start();
        }

        Stage.Begin();
        while (Broken is null && !IsOver)
        {
            if (ready.Count > 0 && !(Dice.Chance(1 / 16.0) && IsDueWithin(Dawdle)))
            {
                var chosen = Dice.Next(ready.Count);
                var (lane, task) = ready[chosen];
                ready[chosen] = ready[^1];
                ready.RemoveAt(ready.Count - 1);
                lane.Run(task);
            }
            else if (!Advance())
            {
                Break(Invariant.Liveness, "Nothing is left to happen, and somebody still waits.");
            }

            Digest = (Digest ^ (ulong)Now.Ticks ^ (ulong)ready.Count) * 0x100000001B3;
            if (++steps > MostSteps)
            {
                Break(Invariant.Liveness, "The world does not come to rest.");
            }

            if (stray is not null)
            {
                Break(Invariant.OneThread, stray);
            }
        }

        IsOver = true;
        foreach (var node in Nodes)
        {
            node.Dispose();
        }

        Totals.Count(Event.Step, steps);
    }

    public void End() => IsOver = true;

    public void Enqueue(Lane lane, Task task)
    {
        AssertOneThread();
        ready.Add((lane, task));
    }

    /// <param name="waits">Whether somebody waits for it, or it only ticks.</param>
    public void After(TimeSpan delay, Action action, bool waits = true)
    {
        AssertOneThread();
        (waits ? alarms : ticks).Enqueue(action, ((Now + delay).Ticks, ++number));
    }

    public Task PauseAsync(TimeSpan time)
    {
        var over = new TaskCompletionSource();
        After(time, over.SetResult);
        return over.Task;
    }

    /// <summary>The first break is the one that counts.</summary>
    public void Break(Invariant invariant, string story)
    {
        Say($"BROKEN {invariant}: {story}");
        Broken ??= (invariant, story);
    }

    /// <summary>A line of the trace. Without one, the line is not even made.</summary>
    public void Say([InterpolatedStringHandlerArgument("")] ref TraceLine line) =>
        trace?.Add(string.Create(CultureInfo.InvariantCulture, $"{Now.TotalSeconds,10:0.000} s  {line.ToString()}"));

    /// <summary>A step on another thread would be a step that no seed decides.</summary>
    public void AssertOneThread()
    {
        if (Environment.CurrentManagedThreadId != thread)
        {
            stray = Environment.StackTrace;
        }
    }

    private bool IsDueWithin(TimeSpan time) =>
        alarms.TryPeek(out _, out var next) && next.Due <= (Now + time).Ticks;

    /// <summary>Lets time pass until the next thing happens. False if nothing will.</summary>
    public bool Advance()
    {
        if (!alarms.TryPeek(out _, out var alarm))
        {
            return false;
        }

        while (ticks.TryPeek(out _, out var early) && early.Due < alarm.Due - (Wake.Ticks * 5 / 4))
        {
            ticks.Enqueue(ticks.Dequeue(), (alarm.Due - Wake.Ticks + Dice.Next((int)TimeSpan.TicksPerSecond), ++number));
        }

        var next = ticks.TryPeek(out _, out var tick) && tick.Due < alarm.Due ? ticks : alarms;
        next.TryDequeue(out var action, out var due);
        Now = TimeSpan.FromTicks(Math.Max(due.Due, Now.Ticks));
        action!();
        return true;
    }
}

/// <summary>Text that is only put together for a world that is traced.</summary>
[InterpolatedStringHandler]
internal readonly ref struct TraceLine
{
    private readonly StringBuilder? text;

    public TraceLine(int literalLength, int formattedCount, World world, out bool isTracing)
    {
        isTracing = world.IsTracing;
        text = isTracing ? new StringBuilder(literalLength + (8 * formattedCount)) : null;
    }

    public void AppendLiteral(string value) => text!.Append(value);

    public void AppendFormatted<T>(T value) => text!.Append(CultureInfo.InvariantCulture, $"{value}");

    public override string ToString() => text?.ToString() ?? "";
}
