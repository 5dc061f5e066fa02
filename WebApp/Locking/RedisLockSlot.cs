using StackExchange.Redis;

namespace WebApp.Locking;

/// <inheritdoc cref="IRedisLockSlot"/>
internal sealed class RedisLockSlot(
    IConnectionMultiplexer connection, RedisCircuit circuit, RedisReleases releases, string key, string owner, TimeSpan lease)
    : IRedisLockSlot
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

    public Task<bool> TryTakeAsync() =>
        circuit.AskAsync(() => Database.StringSetAsync(key, owner, Lease, When.NotExists));

    public async Task<bool> TryReleaseAsync()
    {
        try
        {
            return await TryRunAsync(ReleaseScript, owner, channel);
        }
        catch (Exception spared) when (spared.IsSpared())
        {
            // The circuit opened while the lock was held. Sent all the same, without waiting: nobody shall wait for its lease.
            ReleaseInBackground();
            throw;
        }
    }

    public Task<bool> TryRenewAsync() => TryRunAsync(RenewScript, owner, (long)Lease.TotalMilliseconds);

    public void ReleaseInBackground()
    {
        try
        {
            // By its text: nobody would hear, and send it again, if Redis had forgotten the script.
            Database.ScriptEvaluate(ReleaseScript, [key], [owner, channel], CommandFlags.FireAndForget | CommandFlags.NoScriptCache);
        }
        catch (Exception away) when (away.IsRedisAway())
        {
            // The connection was closed for good.
        }
    }

    public Task<IRedisReleases> SubscribeAsync() => circuit.AskAsync(() => releases.JoinAsync(connection, channel));

    /// <summary>The client loads a script once a server, and again where it was forgotten; then its hash is sent.</summary>
    private async Task<bool> TryRunAsync(string script, params RedisValue[] arguments) =>
        (long)await circuit.AskAsync(() => Database.ScriptEvaluateAsync(script, [key], arguments)) == 1;
}
