using WebApp.Configuration;

namespace WebApp.Tests.Simulation;

/// <summary>What somebody, or something, does at a moment of a plan.</summary>
internal enum Act
{
    Load, Program, Form, PublicPage, LoginPage, Prefetch, SlowPage, SignIn, SignOut, Tear,
    Steal, ThiefLoads, ThiefWaitsOnSlowPages,
    Revoke, Disable, ChangeStamp,
    DatabaseDown, DatabaseSlow, LoseStatement, LoseAnswer, FailOver,
    FlushRedis, RedisAway, RedisTimesOut, RedisSlow,
    Crash, Freeze,
}

/// <summary>One thing that happens from outside.</summary>
/// <param name="At">Since the beginning.</param>
/// <param name="What">What happens.</param>
/// <param name="Who">Which browser, person or node.</param>
/// <param name="Count">How many tabs, or how many steps or statements to wait for.</param>
/// <param name="Seed">Decides the small print: how long everything that follows from it is under way.</param>
internal sealed record Stimulus(TimeSpan At, Act What, int Who, int Count, ulong Seed)
{
    public override string ToString() => FormattableString.Invariant($"{At.TotalSeconds,10:0.000} s  {What} (who {Who}, count {Count})");
}

/// <summary>
/// All that happens to a world from outside, and the seed of its schedule. What is left out of a plan changes nothing about the
/// rest of it, so that a failing plan can be made smaller.
/// </summary>
internal sealed record Plan(
    ulong Schedule, int Nodes, int Browsers, int Access, int Window, int Lease, int Wait, IReadOnlyList<Stimulus> Stimuli)
{
    /// <summary>How long nothing goes wrong, from the beginning.</summary>
    public static readonly TimeSpan Prelude = TimeSpan.FromMilliseconds(400);

    private static readonly Act[] Everyday =
    [
        Act.Load, Act.Load, Act.Load, Act.Load, Act.Load, Act.Load,
        Act.Program, Act.Form, Act.Form, Act.PublicPage, Act.Prefetch, Act.SlowPage,
    ];

    private static readonly Act[] Comings = [Act.SignOut, Act.SignIn, Act.SignIn, Act.LoginPage];
    private static readonly Act[] Losses = [Act.Tear];
    private static readonly Act[] Theft = [Act.Steal, Act.ThiefLoads, Act.ThiefLoads, Act.ThiefWaitsOnSlowPages];
    private static readonly Act[] Rule = [Act.Revoke, Act.Disable, Act.ChangeStamp];
    private static readonly Act[] DatabaseFaults =
    [
        Act.DatabaseDown, Act.DatabaseSlow, Act.LoseStatement, Act.LoseStatement, Act.LoseAnswer, Act.LoseAnswer, Act.LoseAnswer,
        Act.FailOver,
    ];

    private static readonly Act[] RedisFaults = [Act.FlushRedis, Act.RedisAway, Act.RedisTimesOut, Act.RedisSlow];
    private static readonly Act[] Deaths = [Act.Crash, Act.Crash, Act.Freeze];

    public static Plan Of(ulong seed)
    {
        var dice = new Dice(seed * 0x9E3779B97F4A7C15);
        var (access, window) = dice.Of((60, 30), (60, 30), (60, 30), (90, 30), (300, 30));
        var (lease, wait) = dice.Of((10, 5), (2, 1));
        var nodes = dice.Of(1, 2, 2, 3);
        var browsers = dice.Of(1, 1, 2);
        var schedule = dice.NextBits();
        return new Plan(schedule, nodes, browsers, access, window, lease, wait, [.. StimuliOf(dice, nodes, browsers, access, window)]);
    }

    /// <summary>The longest that a page takes: long enough for two generations to pass meanwhile.</summary>
    public double SlowestPageSeconds => 1.2 * (Access + Window);

    public SessionsOptions Options() => new()
    {
        AccessTokenLifetime = TimeSpan.FromSeconds(Access),
        ReplayWindow = TimeSpan.FromSeconds(Window),
        LockLease = TimeSpan.FromSeconds(Lease),
        LockWait = TimeSpan.FromSeconds(Wait),
        IdleTimeout = TimeSpan.FromHours(6),
        AbsoluteLifetime = TimeSpan.FromHours(24),
        Algorithm = "HS256",
        Jitter = 0,
    };

    private static IEnumerable<Stimulus> StimuliOf(Dice dice, int nodes, int browsers, int access, int window)
    {
        var at = TimeSpan.Zero;
        for (var browser = 0; browser < browsers; browser++)
        {
            yield return new Stimulus(at, Act.SignIn, browser, 1, dice.NextBits());
        }

        // A world has a character: not everything goes wrong everywhere.
        List<(Act[] Acts, int Weight)> character = [(Everyday, 10)];
        (Act[] Acts, int Weight, double Chance)[] traits =
        [
            (Comings, 3, 0.35), (Losses, 1, 0.2), (Theft, 4, 0.25), (Rule, 2, 0.2),
            (DatabaseFaults, 4, 0.45), (RedisFaults, 3, 0.35), (Deaths, 3, 0.4),
        ];
        foreach (var (acts, weight, chance) in traits)
        {
            if (dice.Chance(chance))
            {
                character.Add((acts, weight));
            }
        }

        var total = character.Sum(each => each.Weight);
        at += Prelude;
        for (var left = 6 + dice.Next(12); left > 0; left--)
        {
            at += Gap(dice, access, window);
            var ticket = dice.Next(total);
            var acts = character.First(each => (ticket -= each.Weight) < 0).Acts;
            var act = acts[dice.Next(acts.Length)];
            var who = dice.Next(act is Act.Crash or Act.Freeze ? nodes : browsers);
            var count = dice.Of(1, 1, 2, 3, 6) + (act is Act.Crash or Act.Freeze ? dice.Next(30) : 0);
            yield return new Stimulus(at, act, who, count, dice.NextBits());
        }
    }

    private static TimeSpan Gap(Dice dice, int access, int window) => dice.NextDouble() switch
    {
        < 0.38 => dice.Milliseconds(0, 60),
        < 0.55 => dice.Seconds(0.06, 5),
        < 0.68 => dice.Seconds(window - 20, window + 5),
        < 0.93 => dice.Seconds(access - 4, access + 4),
        < 0.97 => dice.Seconds(access, 5 * access),
        < 0.995 => dice.Seconds(3600, 5 * 3600),
        _ => dice.Seconds(6 * 3600, 30 * 3600),
    };
}
