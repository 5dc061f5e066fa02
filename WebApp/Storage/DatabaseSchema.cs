using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using WebApp.Configuration;

namespace WebApp.Storage;

/// <summary>
/// Brings the schema up to date in Development. Elsewhere a schema changes only by the command <c>migrate</c>, and a site whose
/// database is behind does not start.
/// </summary>
internal sealed class DatabaseSchema(IDbContextFactory<WebAppDb> databases, IHostEnvironment environment) : IHostedService
{
    /// <summary>PostgreSQL's lock of this number is nobody else's in the site's database. It ends with the transaction.</summary>
    private const string Turn = "SELECT pg_advisory_xact_lock(20260902)";

    /// <summary>How long the nodes before this one may take in all.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (environment.IsDevelopment())
        {
            await MigrateAsync(cancellationToken);
            return;
        }

        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var pending = (await db.Database.GetPendingMigrationsAsync(cancellationToken)).ToList();
        if (pending.Count > 0)
        {
            throw new StartException(
                $"The database lacks {pending.Count} migration(s), the first being {pending[0]}: " +
                "run this program once with the argument 'migrate'.");
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task MigrateAsync(CancellationToken cancellation)
    {
        await using var db = await databases.CreateDbContextAsync(cancellation);

        // A database that cannot be reached for a moment is no database that has to be made: CanConnectAsync would not tell.
        await using var turn = db.Database.IsNpgsql() && await db.GetService<IRelationalDatabaseCreator>().ExistsAsync(cancellation)
            ? await TakeTurnAsync(cancellation)
            : null;
        // With none to make, EF Core would still compare the whole model with that of the last one, at each start.
        if ((await db.Database.GetPendingMigrationsAsync(cancellation)).Any())
        {
            await db.Database.MigrateAsync(cancellation);
        }
    }

    /// <summary>
    /// Nodes that start together migrate one after the other. EF Core's own lock ends with each migration, and between two of them
    /// another node could come in that has made up its mind already.
    /// </summary>
    private async Task<IAsyncDisposable> TakeTurnAsync(CancellationToken cancellation)
    {
        var db = await databases.CreateDbContextAsync(cancellation);
        db.Database.SetCommandTimeout(Patience);
        await db.Database.BeginTransactionAsync(cancellation);
        await db.Database.ExecuteSqlRawAsync(Turn, cancellation);
        return db;
    }
}
