using StackExchange.Redis;

namespace WebApp.Locking;

/// <inheritdoc cref="IRedisLockSlot"/>
internal sealed class RedisLockSlot(IConnectionMultiplexer connection, string key, string owner, TimeSpan lease) : IRedisLockSlot
{
    internal const string ReleaseScript = """
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        redis.call('DEL', KEYS[1])
        redis.call('PUBLISH', ARGV[2], '')
        return 1
        """;

    internal const string RenewScript = """
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        redis.call('PEXPIRE', KEYS[1], ARGV[2])
        return 1
        """;

    private readonly string channel = key + ":released";

    public TimeSpan Lease { get; } = lease;

    private IDatabase Database => connection.GetDatabase();

    public Task<bool> TryTakeAsync() => Database.StringSetAsync(key, owner, Lease, When.NotExists);

    public async Task<bool> TryReleaseAsync() =>
        (long)await Database.ScriptEvaluateAsync(ReleaseScript, [key], [owner, channel]) == 1;

    public async Task<bool> TryRenewAsync() =>
        (long)await Database.ScriptEvaluateAsync(RenewScript, [key], [owner, (long)Lease.TotalMilliseconds]) == 1;

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

    public async Task<IRedisReleases> SubscribeAsync() =>
        new Releases(await connection.GetSubscriber().SubscribeAsync(RedisChannel.Literal(channel)));

    private sealed class Releases(ChannelMessageQueue messages) : IRedisReleases
    {
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
