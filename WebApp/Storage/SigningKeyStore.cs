using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Telemetry;
using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>
/// Reads the signing keys from the database: once before the site serves its first request, then every minute. Whichever node
/// comes first makes a key that is missing. What follows from the rows is decided by <see cref="SigningKeySchedule"/>.
/// </summary>
internal sealed partial class SigningKeyStore(
    IDbContextFactory<WebAppDb> databases,
    SigningKeys keys,
    IDataProtectionProvider protection,
    IOptions<SessionsOptions> options,
    TimeProvider time,
    ILogger<SigningKeyStore> logger) : BackgroundService
{
    /// <summary>
    /// One small statement a minute. Every node knows the next key within it, though it has a day; and a key whose row an
    /// operator deletes is forgotten everywhere within it, which nobody would want to wait an hour for.
    /// </summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly IDataProtector protector = protection.CreateProtector("WebApp.Storage.SigningKey.v1");

    /// <summary>The rows that have been opened, as they were: what is unchanged is not imported again.</summary>
    private Dictionary<(string Id, string ProtectedMaterial), SigningKey> opened = [];

    private volatile IReadOnlyDictionary<string, CryptographicException> unreadable = new Dictionary<string, CryptographicException>();
    private IReadOnlyList<SigningKeyRow> known = [];
    private string? signing;

    /// <summary>What is wrong with the keys as of the last reading, in a sentence for the operator; null if nothing is.</summary>
    public string? Complaint => unreadable is { Count: > 0 } failures
        ? $"The signing key '{string.Join("', '", failures.Keys.Order(StringComparer.Ordinal))}' in the database cannot be read with this " +
            "node's Data Protection keys, so it was made by a node with others. All nodes need the same ones (App_Data/keys beside " +
            "a SQLite file, else the store that they share): bring those back and restart this node, or, if they are lost, delete " +
            "the key's row from SigningKeys."
        : null;

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await ReadAsync(cancellationToken);
        if (Complaint is { } complaint)
        {
            throw new StartException(complaint, unreadable.Values.First());
        }

        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await ReadAsync(stoppingToken);
                await DeleteAsync(stoppingToken);
            }
            catch (Exception away) when (away.IsDatabaseAway())
            {
                // Not a fault in readiness: the keys at hand are good for as long as a node can go without a database. The
                // one that was published last month signs when its time has come, whether or not it can be read today.
                Use();
                Stale(logger, away);
            }
        }
    }

    private SigningKeySchedule Schedule() => new(known, options.Value, time.GetUtcNow());

    internal async Task ReadAsync(CancellationToken cancellation)
    {
        known = await RowsAsync(cancellation);
        if (Schedule().Missing is { Count: > 0 } missing)
        {
            foreach (var id in missing)
            {
                await CreateAsync(id, cancellation);
            }

            known = await RowsAsync(cancellation);
        }

        Open();
        Use();
    }

    /// <summary>A newer version may know other algorithms. A token of such a key is refreshed here, as any that cannot be read.</summary>
    private async Task<List<SigningKeyRow>> RowsAsync(CancellationToken cancellation)
    {
        await using var db = await databases.CreateDbContextAsync(cancellation);
        return await db.SigningKeys.AsNoTracking()
            .Where(row => SigningKey.Algorithms.Contains(row.Algorithm))
            .ToListAsync(cancellation);
    }

    /// <summary>
    /// Several nodes may try: the primary key lets one of them through, and all read what that one made. Had each its own, each
    /// would refuse what the other signs (scenario 26).
    /// </summary>
    private async Task CreateAsync(string id, CancellationToken cancellation)
    {
        var key = SigningKey.Create(options.Value.Algorithm, id);
        var row = new SigningKeyRow
        {
            Id = id,
            Algorithm = key.Algorithm,
            ProtectedMaterial = protector.Protect(Convert.ToBase64String(key.Export())),
            CreatedAt = time.GetUtcNow(),
        };
        await using var db = await databases.CreateDbContextAsync(cancellation);
        db.SigningKeys.Add(row);
        try
        {
            await db.SaveChangesAsync(cancellation);
            Created(logger, row.Algorithm, row.Id);
        }
        catch (DbUpdateException)
        {
            // Lost the race, or the answer to a commit: then it is there.
            if (!await db.SigningKeys.AnyAsync(other => other.Id == id, cancellation))
            {
                throw;
            }
        }
    }

    private void Open()
    {
        var before = opened;
        var failures = new Dictionary<string, CryptographicException>();
        opened = [];
        foreach (var row in Schedule().Accepted)
        {
            var content = (row.Id, row.ProtectedMaterial);
            try
            {
                opened[content] = before.TryGetValue(content, out var key) ? key : Import(row);
            }
            catch (CryptographicException failure)
            {
                failures[row.Id] = failure;
            }
        }

        Tell(failures);
    }

    private SigningKey Import(SigningKeyRow row) =>
        SigningKey.Import(row.Algorithm, row.Id, Convert.FromBase64String(protector.Unprotect(row.ProtectedMaterial)));

    /// <summary>Says once, and not at every reading, that keys cannot be read, and once that they can.</summary>
    private void Tell(Dictionary<string, CryptographicException> failures)
    {
        var before = unreadable;
        unreadable = failures;
        if (failures.Keys.ToHashSet().SetEquals(before.Keys))
        {
            return;
        }

        if (Complaint is { } complaint)
        {
            Unreadable(logger, failures.Values.First(), complaint);
        }
        else
        {
            Readable(logger);
        }
    }

    /// <summary>A node that can read none of the accepted keys keeps what it has: it says so in readiness, and goes on.</summary>
    private void Use()
    {
        var usable = Schedule().Accepted
            .Select(row => opened.GetValueOrDefault((row.Id, row.ProtectedMaterial)))
            .OfType<SigningKey>()
            .ToList();
        if (usable.Count == 0)
        {
            return;
        }

        keys.Use(usable);
        if (signing != usable[0].Key.KeyId)
        {
            signing = usable[0].Key.KeyId;
            Signs(logger, signing);
        }
    }

    /// <summary>Few by nature: a key a month. A name that has been given again meanwhile is not touched.</summary>
    private async Task DeleteAsync(CancellationToken cancellation)
    {
        if (Schedule().LongRetired is not { Count: > 0 } ids)
        {
            return;
        }

        var since = time.GetUtcNow() - SigningPeriod.Length;
        await using var db = await databases.CreateDbContextAsync(cancellation);
        var count = await db.SigningKeys
            .Where(row => ids.Contains(row.Id) && row.CreatedAt < since)
            .ExecuteDeleteAsync(cancellation);
        if (count > 0)
        {
            Deleted(logger, count);
        }
    }

    [LoggerMessage(LogEvents.SigningKeyCreated, LogLevel.Information, "A new {Algorithm} signing key was made: {KeyId}.")]
    private static partial void Created(ILogger logger, string algorithm, string keyId);

    [LoggerMessage(LogEvents.SigningKeySigns, LogLevel.Information, "Access tokens are signed with the key {KeyId} from now on.")]
    private static partial void Signs(ILogger logger, string keyId);

    [LoggerMessage(LogEvents.SigningKeysStale, LogLevel.Warning, "The signing keys could not be read; those at hand go on.")]
    private static partial void Stale(ILogger logger, Exception exception);

    [LoggerMessage(LogEvents.SigningKeysUnreadable, LogLevel.Error, "{Complaint}")]
    private static partial void Unreadable(ILogger logger, Exception exception, string complaint);

    [LoggerMessage(LogEvents.SigningKeysReadable, LogLevel.Information, "All signing keys can be read again.")]
    private static partial void Readable(ILogger logger);

    [LoggerMessage(LogEvents.SigningKeysDeleted, LogLevel.Information, "{Count} signing keys that were retired long ago were deleted.")]
    private static partial void Deleted(ILogger logger, int count);
}
