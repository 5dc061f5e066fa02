using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Tests.Simulation;

/// <summary>What administrators and machines do to a world.</summary>
internal static class Trouble
{
    public static void Make(World world, Stimulus stimulus, Dice dice, Browser browser)
    {
        var totals = world.Totals;
        var database = world.Database;
        switch (stimulus.What)
        {
            case Act.Revoke when browser.Refresh is { } held:
                totals.Count(Event.AdminRevoke);
                world.Judge.Ends(held.Session);
                Revoke(world, world.Nodes[stimulus.Count % world.Nodes.Count], held.Session);
                break;
            case Act.Disable:
                var account = database.Accounts[stimulus.Who % 2];
                totals.Count(Event.AccountDisabled);
                world.Judge.Touched(account.Id, "its account was disabled");
                account.Disabled = true;
                world.After(dice.Seconds(0, 100), () => account.Disabled = false);
                break;
            case Act.ChangeStamp:
                var changed = database.Accounts[stimulus.Who % 2];
                totals.Count(Event.StampChanged);
                world.Judge.Touched(changed.Id, "its account was changed");
                changed.SecurityStamp += "+";
                break;
            case Act.DatabaseDown:
                totals.Count(Event.DatabaseDown);
                database.GoDown(dice.Seconds(0.1, dice.Of(2, 30)));
                break;
            case Act.DatabaseSlow:
                totals.Count(Event.DatabaseSlow);
                database.GoSlow(dice.Seconds(1, 20), dice.Of(0.5, 3, 14));
                break;
            case Act.LoseStatement:
                database.Armed = (Event.StatementLost, dice.Next(8));
                break;
            case Act.LoseAnswer:
                database.Armed = (Event.AnswerLost, dice.Next(8));
                break;
            case Act.FailOver:
                database.FailOver();
                break;
            case Act.FlushRedis:
                totals.Count(Event.RedisFlushed);
                world.Redis.Flush();
                break;
            case Act.RedisAway:
                totals.Count(Event.RedisAway);
                world.Redis.GoAway(dice.Seconds(0.1, 60), known: dice.Chance(0.5));
                break;
            case Act.RedisTimesOut:
                totals.Count(Event.RedisTimesOut);
                world.Redis.TimeOutFor(dice.Seconds(0.1, 60));
                break;
            case Act.RedisSlow:
                totals.Count(Event.RedisSlow);
                world.Redis.GoSlow(dice.Seconds(1, 60));
                break;
            case Act.Crash:
                Crash(world, world.Nodes[stimulus.Who % world.Nodes.Count], stimulus.Count, dice);
                break;
            case Act.Freeze:
                Freeze(world, world.Nodes[stimulus.Who % world.Nodes.Count], stimulus.Count, dice);
                break;
            default:
                break;
        }
    }

    private static void Revoke(World world, Node node, SessionId session)
    {
        if (!node.IsServing)
        {
            return;
        }

        node.Lane.Start(async () =>
        {
            try
            {
                await node.Revoker.RevokeAsync(session, RefusalReason.Revoked, CancellationToken.None);
            }
            catch (Exception away) when (away.IsDatabaseAway())
            {
                world.Say($"the administrator is told that the database is away");
            }
        });
    }

    private static void Crash(World world, Node node, int steps, Dice dice)
    {
        if (!node.IsServing || node.Lane.IsFrozen)
        {
            return;
        }

        node.Lane.AfterSteps(steps, () =>
        {
            node.Crash();
            world.After(dice.Seconds(0.2, dice.Of(2, 20)), node.Start);
        });
    }

    private static void Freeze(World world, Node node, int steps, Dice dice)
    {
        if (!node.IsServing || node.Lane.IsFrozen)
        {
            return;
        }

        var lane = node.Lane;
        lane.AfterSteps(steps, () =>
        {
            node.Freeze();
            world.After(dice.Seconds(0.1, dice.Of(1, 4, 12)), node.Thaw);
        });
    }
}
