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
    /// <summary>PostgreSQL's lock of this number is nobody else's in the site's database. It ends with the transaction.</summary>
    private const string Turn = "SELECT pg_advisory_xact_lock(20260901)";

    /// <summary>How long the nodes before this one may take in all.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>
    /// How much earlier than now the key comes into force: Data Protection goes by each machine's clock, and a node whose clock is
    /// behind would make a key of its own (scenario 28).
    /// </summary>
    private static readonly TimeSpan Slack = TimeSpan.FromDays(1);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        db.Database.SetCommandTimeout(Patience);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.Database.ExecuteSqlRawAsync(Turn, cancellationToken);
        var now = time.GetUtcNow();
        if (!keys.GetAllKeys().Any(key => !key.IsRevoked && key.ExpirationDate > now))
        {
            // On a connection of its own, and committed before the turn ends.
            keys.CreateNewKey(now - Slack, now + options.Value.NewKeyLifetime);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
