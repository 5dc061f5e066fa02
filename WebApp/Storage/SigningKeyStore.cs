using System.Data;
using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Telemetry;
using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>
/// Loads the signing keys before the site serves its first request, and makes one where none of the configured algorithm is
/// there. Keys of other algorithms go on being accepted, so that a changed setting signs nobody out.
/// </summary>
internal sealed partial class SigningKeyStore(
    IDbContextFactory<WebAppDb> databases,
    SigningKeys keys,
    IDataProtectionProvider protection,
    IOptions<SessionsOptions> options,
    TimeProvider time,
    ILogger<SigningKeyStore> logger) : IHostedService
{
    private readonly IDataProtector protector = protection.CreateProtector("WebApp.Storage.SigningKey.v1");

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var rows = await ReadAsync(db, cancellationToken);
        if (!HasCurrent(rows))
        {
            try
            {
                rows = await CreateAsync(db, cancellationToken);
            }
            catch (Exception race) when (race.IsDatabaseAway())
            {
                // PostgreSQL lets all but one of those who create at once fail.
                rows = await ReadAsync(db, cancellationToken);
                if (!HasCurrent(rows))
                {
                    throw;
                }
            }
        }

        // The newest key of the configured algorithm signs.
        keys.Use([.. rows
            .OrderByDescending(row => row.Algorithm == options.Value.Algorithm)
            .ThenByDescending(row => row.CreatedAt)
            .Select(Unprotect)]);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static Task<List<SigningKeyRow>> ReadAsync(WebAppDb db, CancellationToken cancellation) =>
        db.SigningKeys.AsNoTracking().ToListAsync(cancellation);

    private bool HasCurrent(List<SigningKeyRow> rows) => rows.Exists(row => row.Algorithm == options.Value.Algorithm);

    /// <summary>
    /// Looks once more where nobody else can add a key: nodes that start together must agree on one, or each would refuse what
    /// the other signs (scenario 26).
    /// </summary>
    private async Task<List<SigningKeyRow>> CreateAsync(WebAppDb db, CancellationToken cancellation)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(IsolationLevel.Serializable, cancellation);
        var rows = await ReadAsync(db, cancellation);
        if (HasCurrent(rows))
        {
            return rows;
        }

        var key = SigningKey.Create(options.Value.Algorithm);
        var row = new SigningKeyRow
        {
            Id = key.Key.KeyId,
            Algorithm = key.Algorithm,
            ProtectedMaterial = protector.Protect(Convert.ToBase64String(key.Export())),
            CreatedAt = time.GetUtcNow(),
        };
        db.SigningKeys.Add(row);
        await db.SaveChangesAsync(cancellation);
        await transaction.CommitAsync(cancellation);
        KeyCreated(logger, row.Algorithm, row.Id);
        return [.. rows, row];
    }

    private SigningKey Unprotect(SigningKeyRow row)
    {
        try
        {
            return SigningKey.Import(row.Algorithm, row.Id, Convert.FromBase64String(protector.Unprotect(row.ProtectedMaterial)));
        }
        catch (CryptographicException unreadable)
        {
            throw new StartException(
                $"The signing key '{row.Id}' in the database cannot be read with this site's Data Protection keys: " +
                "bring back the keys it was made with (App_Data/keys), or delete its row from SigningKeys.", unreadable);
        }
    }

    [LoggerMessage(LogEvents.SigningKeyCreated, LogLevel.Information, "A new {Algorithm} signing key was made: {KeyId}.")]
    private static partial void KeyCreated(ILogger logger, string algorithm, string keyId);
}
