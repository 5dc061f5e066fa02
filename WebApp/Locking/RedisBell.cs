using StackExchange.Redis;

namespace WebApp.Locking;

/// <summary>
/// A door bell among the nodes: it says that there is news and not which. Nobody may rely on it: it is as deaf and dumb as Redis
/// is away.
/// </summary>
internal sealed class RedisBell(RedisConnection redis)
{
    private static readonly RedisChannel Channel = RedisChannel.Literal(RedisLocks.KeyPrefix + "revoked");

    /// <summary>Rings on all nodes, this one included. Never waits and never throws.</summary>
    public void Ring()
    {
        try
        {
            redis.Current?.GetSubscriber().Publish(Channel, RedisValue.EmptyString, CommandFlags.FireAndForget);
        }
        catch (Exception away) when (away.IsRedisAway())
        {
            // Redis went away this moment.
        }
    }

    /// <summary>
    /// Calls back whenever somebody rings, from any thread. Completes once the client knows of it, which may be before Redis
    /// does: the client subscribes again at every new connection.
    /// </summary>
    public async Task HearAsync(Action rung, CancellationToken stopping)
    {
        var connection = await redis.Multiplexer.WaitAsync(stopping);
        try
        {
            await connection.GetSubscriber().SubscribeAsync(Channel, (_, _) => rung());
        }
        catch (Exception away) when (away.IsRedisAway())
        {
            // The client makes up for it.
        }
    }
}
