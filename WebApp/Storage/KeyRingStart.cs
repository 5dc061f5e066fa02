using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace WebApp.Storage;

/// <summary>
/// Makes the first key of the shared Data Protection ring before anything is protected with it. Left to themselves, nodes that
/// start together make one each, and a node that has not met another's key in its first minutes takes what it protects for
/// garbage until it reads the ring again a day later (scenario 26).
/// </summary>
internal sealed class KeyRingStart(
    IDbContextFactory<WebAppDb> databases,
    IKeyManager keys,
    IOptions<KeyManagementOptions> options,
    TimeProvider time) : IHostedService
{
    /// <summary>Held by the one node that looks and creates. Any number that nothing else in the database uses.</summary>
    private const long Turn = 0x576562417070;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({Turn})", cancellationToken);
        var now = time.GetUtcNow();
        if (!keys.GetAllKeys().Any(key => !key.IsRevoked && key.ExpirationDate > now))
        {
            // By a connection of its own, and committed before the turn ends. A little earlier than now, so that it is in force
            // on nodes whose clocks are behind.
            keys.CreateNewKey(now - TimeSpan.FromDays(1), now + options.Value.NewKeyLifetime);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
