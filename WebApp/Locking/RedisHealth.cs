using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace WebApp.Locking;

/// <summary>Whether Redis answers. Without it the site works and saves itself less work: degraded, not unhealthy.</summary>
internal sealed class RedisHealth(RedisConnection redis, RedisCircuit circuit) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(redis.Current is null || circuit.IsOpen
            ? HealthCheckResult.Degraded("Redis is away; refreshes are settled by the database alone.")
            : HealthCheckResult.Healthy());
}
