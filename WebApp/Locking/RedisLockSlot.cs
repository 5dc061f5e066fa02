using StackExchange.Redis;

namespace WebApp.Locking;

/// <summary>One user's lock in Redis, seen by one would-be owner: the commands, without any waiting.</summary>
internal sealed class RedisLockSlot(IConnectionMultiplexer connection, string key, string owner, TimeSpan lease)
{
    private const string ReleaseScript = """
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        redis.call('DEL', KEYS[1])
        redis.call('PUBLISH', ARGV[2], '')
        return 1
        """;

    private const string RenewScript = """
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        redis.call('PEXPIRE', KEYS[1], ARGV[2])
        return 1
        """;

    private readonly string channel = key + ":released";

    public TimeSpan Lease { get; } = lease;

    private IDatabase Database => connection.GetDatabase();

    public Task<bool> TryTakeAsync() => Database.StringSetAsync(key, owner, Lease, When.NotExists);

    /// <summary>Whether the lock was still this owner's.</summary>
    public async Task<bool> TryReleaseAsync() =>
        (long)await Database.ScriptEvaluateAsync(ReleaseScript, [key], [owner, channel]) == 1;

    /// <summary>Whether the lock is still this owner's; if so, its lease starts anew.</summary>
    public async Task<bool> TryRenewAsync() =>
        (long)await Database.ScriptEvaluateAsync(RenewScript, [key], [owner, (long)Lease.TotalMilliseconds]) == 1;

    /// <summary>Never waits and never throws: what cannot be given back ends with its lease.</summary>
    public void ReleaseInBackground()
    {
        try
        {
            Database.ScriptEvaluate(ReleaseScript, [key], [owner, channel], CommandFlags.FireAndForget);
        }
        catch (Exception away) when (away.IsRedisAway())
        {
            // The connection was closed for good.
        }
    }

    public async Task<Releases> SubscribeAsync() =>
        new(await connection.GetSubscriber().SubscribeAsync(RedisChannel.Literal(channel)));

    /// <summary>The messages of holders that let go.</summary>
    internal sealed class Releases(ChannelMessageQueue messages) : IAsyncDisposable
    {
        /// <summary>Returns when a holder has let go, or after <paramref name="patience"/>.</summary>
        public async Task NextAsync(TimeSpan patience, TimeProvider time)
        {
            using var bell = new CancellationTokenSource(patience, time);
            try
            {
                await messages.ReadAsync(bell.Token);
            }
            catch (OperationCanceledException)
            {
                // Patience ended: the caller looks for itself.
            }
        }

        public async ValueTask DisposeAsync() => await messages.UnsubscribeAsync(CommandFlags.FireAndForget);
    }
}
