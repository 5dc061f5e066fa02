using System.Globalization;
using StackExchange.Redis;
using WebApp.Locking;
using WebApp.Tokens;

namespace WebApp.Tests.Simulation;

/// <summary>
/// The one Redis: keys with a time to live, the lock's own scripts, and messages. It forgets, is away, times out and is slow.
/// </summary>
internal sealed class Redis(World world)
{
    private static readonly RedisScript Release = new(RedisLockSlot.ReleaseScript);
    private static readonly RedisScript Renew = new(RedisLockSlot.RenewScript);

    /// <summary>What a command waits at most (<c>RedisConnection</c>).</summary>
    public static readonly TimeSpan TimeOut = TimeSpan.FromMilliseconds(1250);

    private readonly Dictionary<string, (string Owner, TimeSpan Until)> keys = [];
    private readonly List<Releases> listeners = [];
    private TimeSpan awayUntil;
    private TimeSpan slowUntil;
    private bool isKnownAway;
    private bool timesOut;
    private int owners;

    public void GoAway(TimeSpan time, bool known)
    {
        (awayUntil, isKnownAway, timesOut) = (world.Now + time, known, false);
    }

    public void TimeOutFor(TimeSpan time) => (awayUntil, isKnownAway, timesOut) = (world.Now + time, false, true);

    public void GoSlow(TimeSpan time) => slowUntil = world.Now + time;

    /// <summary>Emptied, restarted empty, or replaced by a replica that never got the locks.</summary>
    public void Flush() => keys.Clear();

    public void Heal() => awayUntil = slowUntil = TimeSpan.Zero;

    public bool IsHeldFor(string prefix) =>
        keys.Values.Any(each => each.Owner.StartsWith(prefix, StringComparison.Ordinal) && each.Until > world.Now);

    public IRedisLocks SeenFrom(Node node) => new Connection(world, this, node);

    private Task<T> AskAsync<T>(Node node, Func<T> command)
    {
        world.AssertOneThread();
        node.Commands++;
        var answer = new TaskCompletionSource<T>();
        var isSlow = world.Now < slowUntil;
        var there = isSlow ? world.Dice.Milliseconds(0, 900) : world.Dice.Milliseconds(0.1, 3);
        var back = isSlow ? world.Dice.Milliseconds(0, 900) : world.Dice.Milliseconds(0.1, 3);
        if (world.Now >= awayUntil)
        {
            world.After(there, () =>
            {
                var result = command();
                world.After(back, () => answer.TrySetResult(result));
            });
            world.After(TimeOut, () => answer.TrySetException(TimedOut()));
            return answer.Task;
        }

        // Whoever hears nothing does not know whether it was carried out.
        if (world.Dice.Chance(0.3))
        {
            world.After(there, () => command());
        }

        if (timesOut)
        {
            world.After(TimeOut, () => answer.TrySetException(TimedOut()));
        }
        else
        {
            world.After(there, () => answer.TrySetException(new RedisConnectionException(ConnectionFailureType.SocketFailure, "away")));
        }

        return answer.Task;
    }

    private string? Get(string key)
    {
        if (keys.TryGetValue(key, out var held) && held.Until <= world.Now)
        {
            keys.Remove(key);
            world.Totals.Count(Event.LockExpired);
        }

        return keys.TryGetValue(key, out held) ? held.Owner : null;
    }

    private bool SetIfNotExists(string key, string owner, TimeSpan lease)
    {
        if (Get(key) is not null)
        {
            return false;
        }

        keys[key] = (owner, world.Now + lease);
        world.Totals.Count(Event.LockTaken);
        return true;
    }

    /// <summary>A command of a script, sent by an owner: whose lock it touches is the judge's business.</summary>
    private string? Call(string owner, string[] command)
    {
        switch (command)
        {
            case ["GET", var key]:
                return Get(key);
            case ["DEL", var key]:
                world.Judge.Touches(Get(key), owner);
                keys.Remove(key);
                return "1";
            case ["PEXPIRE", var key, var milliseconds]:
                if (Get(key) is not { } holder)
                {
                    return "0";
                }

                world.Judge.Touches(holder, owner);
                keys[key] = (holder, world.Now + TimeSpan.FromMilliseconds(int.Parse(milliseconds, CultureInfo.InvariantCulture)));
                world.Totals.Count(Event.LockRenewal);
                return "1";
            case ["PUBLISH", var channel, _]:
                foreach (var listener in listeners.Where(each => each.Channel == channel).ToList())
                {
                    world.After(world.Dice.Milliseconds(0.1, 3), listener.Ring);
                }

                return "0";
            default:
                throw new NotSupportedException(command[0]);
        }
    }

    private static RedisTimeoutException TimedOut() => new("no answer in time", CommandStatus.Sent);

    private sealed class Connection(World world, Redis redis, Node node) : IRedisLocks
    {
        public IRedisLockSlot? Open(UserId user) => world.Now < redis.awayUntil && redis.isKnownAway
            ? null
            : new Slot(world, redis, node, $"lock:{user}", $"{node}/{++redis.owners}");
    }

    private sealed class Slot(World world, Redis redis, Node node, string key, string owner) : IRedisLockSlot
    {
        private readonly string channel = key + ":released";

        public TimeSpan Lease { get; } = world.Options.Value.LockLease;

        public async Task<bool> TryTakeAsync()
        {
            var taken = await redis.AskAsync(node, () => redis.SetIfNotExists(key, owner, Lease));
            world.Say($"{node} {(taken ? "has" : "waits for")} the lock of {key[5..]}, as {owner}");
            return taken;
        }

        public async Task<bool> TryReleaseAsync() => await redis.AskAsync(node, RunRelease) == 1;

        public async Task<bool> TryRenewAsync() => await redis.AskAsync(
            node,
            () => Renew.Run(
                command => redis.Call(owner, command), key, owner, Lease.TotalMilliseconds.ToString(CultureInfo.InvariantCulture))) == 1;

        public void ReleaseInBackground() => _ = redis.AskAsync(node, RunRelease);

        public async Task<IRedisReleases> SubscribeAsync()
        {
            world.Totals.Count(Event.LockWait);
            return await redis.AskAsync(node, () =>
            {
                var releases = new Releases(world, redis, channel);
                redis.listeners.Add(releases);
                return releases;
            });
        }

        private long RunRelease() => Release.Run(command => redis.Call(owner, command), key, owner, channel);
    }

    private sealed class Releases(World world, Redis redis, string channel) : IRedisReleases
    {
        private TaskCompletionSource? next;
        private bool rung;

        public string Channel { get; } = channel;

        public void Ring()
        {
            rung = true;
            next?.TrySetResult();
        }

        public async Task NextAsync(TimeSpan patience, TimeProvider time)
        {
            if (!rung)
            {
                var waiting = next = new TaskCompletionSource();
                world.After(patience, () => waiting.TrySetResult());
                await waiting.Task;
            }

            rung = false;
        }

        public ValueTask DisposeAsync()
        {
            redis.listeners.Remove(this);
            return ValueTask.CompletedTask;
        }
    }
}
