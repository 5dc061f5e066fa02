using Microsoft.EntityFrameworkCore;
using WebApp.Configuration;

namespace WebApp.Storage;

/// <summary>
/// Brings the schema up to date in Development. Elsewhere a schema changes only by the command <c>migrate</c>, and a site whose
/// database is behind does not start.
/// </summary>
internal sealed class DatabaseSchema(IDbContextFactory<WebAppDb> databases, IHostEnvironment environment) : IHostedService
{
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
        await db.Database.MigrateAsync(cancellation);
    }
}
