using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Tokens;

namespace WebApp.Locking;

/// <inheritdoc cref="IRedisLocks"/>
internal sealed class RedisLocks(RedisConnection redis, RedisCircuit circuit, IOptions<SessionsOptions> options) : IRedisLocks
{
    /// <summary>Shared with the distributed cache, so that one site's keys are told from another's.</summary>
    public const string KeyPrefix = "webapp:";

    private readonly RedisReleases releases = new();

    /// <summary>The braces keep the key and all that belongs to it in one slot of a Redis Cluster.</summary>
    public IRedisLockSlot? Open(UserId user) => redis.Current is { } connection
        ? new RedisLockSlot(
            connection, circuit, releases, $"{KeyPrefix}lock:{{{user}}}", Guid.NewGuid().ToString("N"), options.Value.LockLease)
        : null;
}
