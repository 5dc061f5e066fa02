using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace WebApp.Storage;

/// <summary>
/// Whether this node can read every signing key, as of the last reading. One that cannot has other Data Protection keys than the
/// node that made it, and takes the cookies of that node for garbage: no traffic may reach it (scenario 26).
/// </summary>
internal sealed class SigningKeyHealth(SigningKeyStore store) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(store.Complaint is { } complaint ? HealthCheckResult.Unhealthy(complaint) : HealthCheckResult.Healthy());
}
