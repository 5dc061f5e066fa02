using System.Data.Common;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Tests.Simulation;

/// <summary>
/// The one database: it carries out statements one after the other, as a whole or not at all, slowly or not, and may not get to
/// say so. What it may never let happen, whatever a statement's conditions are, is told to the judge.
/// </summary>
internal sealed class Database(World world)
{
    private readonly Dictionary<Guid, SessionRow> rows = [];
    private readonly List<(SessionRow Before, TimeSpan At)> rotations = [];
    private TimeSpan downUntil;
    private TimeSpan slowUntil;
    private double slowness;

    public IReadOnlyDictionary<Guid, SessionRow> Rows => rows;

    public List<Account> Accounts { get; } = [NewAccount("ada"), NewAccount("bob")];

    public List<SecurityEvent> Events { get; } = [];

    /// <summary>Until when something was, or may still be, amiss.</summary>
    public TimeSpan TroubleUntil { get; private set; }

    /// <summary>A fault that waits for its statement: so many statements are carried out before it.</summary>
    public (Event Fault, int After)? Armed { get; set; }

    public Account AccountOf(string user) => Accounts[user == "ada" ? 0 : 1];

    public void GoDown(TimeSpan time)
    {
        downUntil = world.Now + time;
        Trouble(time);
    }

    public void GoSlow(TimeSpan time, double seconds)
    {
        slowUntil = world.Now + time;
        slowness = seconds;
        Trouble(time);
    }

    public void Heal()
    {
        downUntil = slowUntil = TimeSpan.Zero;
        Armed = null;
    }

    /// <summary>A statement of a node, which may die before it is sent, and never hear of it.</summary>
    public Task<T> AskAsync<T>(Node node, Func<T> statement, CancellationToken cancellation)
    {
        world.AssertOneThread();
        node.Commands++;
        var lane = node.Lane;
        var answer = new TaskCompletionSource<T>();
        if (cancellation.CanBeCanceled)
        {
            cancellation.UnsafeRegister(_ => answer.TrySetCanceled(cancellation), null);
        }

        var fault = NextFault();
        var isSlow = world.Now < slowUntil;
        var there = isSlow ? world.Dice.Seconds(0, slowness) : world.Dice.Milliseconds(0.2, 8);
        var back = isSlow ? world.Dice.Seconds(0, slowness) : world.Dice.Milliseconds(0.2, 8);
        if (isSlow || fault is not null)
        {
            Trouble(there + back);
        }

        if (world.Now < downUntil || fault == Event.StatementLost)
        {
            world.After(there, () => answer.TrySetException(Away(world.Dice)));
            return answer.Task;
        }

        world.After(there, () =>
        {
            if (lane.IsDead && world.Dice.Chance(0.5))
            {
                // The process died before it was sent.
                return;
            }

            var result = statement();
            world.After(back, () =>
            {
                if (fault == Event.AnswerLost)
                {
                    answer.TrySetException(Away(world.Dice));
                }
                else
                {
                    answer.TrySetResult(result);
                }
            });
        });
        return answer.Task;
    }

    public void Add(SessionRow row) => rows.Add(row.Id, row);

    /// <summary>The row, for a statement to look at and, if its conditions hold, to change.</summary>
    public SessionRow? Find(SessionId session) => rows.GetValueOrDefault(session.Value);

    public void Rotated(SessionRow before) => rotations.Add((before, world.Now));

    /// <summary>
    /// A replica takes over that has not got the last rotations. (One that has lost a revocation or a sign-in too is a limit of
    /// asynchronous replication, and is not simulated.)
    /// </summary>
    public void FailOver()
    {
        foreach (var (before, at) in rotations)
        {
            if (rows[before.Id] is { RevokedAt: null } row
                && row.Generation == before.Generation + 1
                && world.Now - at < TimeSpan.FromSeconds(10))
            {
                rows[before.Id] = before;
                world.Judge.FailedOver(new SessionId(before.Id));
                world.Totals.Count(Event.Failover);
            }
        }
    }

    private Event? NextFault()
    {
        if (Armed is not var (fault, after))
        {
            return null;
        }

        Armed = after > 0 ? (fault, after - 1) : null;
        if (after > 0)
        {
            return null;
        }

        world.Totals.Count(fault);
        world.Say($"the database: {fault}");
        return fault;
    }

    private void Trouble(TimeSpan time)
    {
        if (world.Now + time > TroubleUntil)
        {
            TroubleUntil = world.Now + time;
        }
    }

    private static Exception Away(Dice dice) => dice.Chance(0.5) ? new LostConnection() : new TimeoutException();

    private static Account NewAccount(string name) => new() { Id = name, UserName = name, SecurityStamp = name + "-1" };

    private sealed class LostConnection() : DbException("The connection was lost.");
}
