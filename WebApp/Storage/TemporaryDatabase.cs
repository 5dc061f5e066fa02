using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>A database of the same shape as the site's, in a file of its own that is deleted with it. Nobody's sessions are in it.</summary>
internal sealed class TemporaryDatabase : IDbContextFactory<WebAppDb>, IAsyncDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("webapp-lab-");
    private readonly string connectionString;
    private readonly DbContextOptions<WebAppDb> options;

    private TemporaryDatabase()
    {
        connectionString = $"Data Source={Path.Combine(folder.FullName, "lab.db")}";
        options = new DbContextOptionsBuilder<WebAppDb>().UseSqlite(connectionString).Options;
    }

    public static async Task<TemporaryDatabase> CreateAsync(CancellationToken cancellation)
    {
        var database = new TemporaryDatabase();
        try
        {
            await using var db = database.CreateDbContext();
            await db.Database.EnsureCreatedAsync(cancellation);
            return database;
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }

    public WebAppDb CreateDbContext() => new(options);

    /// <summary>Adds an account without a password.</summary>
    public async Task<AccountProof> AddAccountAsync(string name, CancellationToken cancellation)
    {
        var account = new Account { UserName = name, SecurityStamp = Guid.NewGuid().ToString("N") };
        await using var db = CreateDbContext();
        db.Users.Add(account);
        await db.SaveChangesAsync(cancellation);
        return new AccountProof(new UserId(account.Id), account.SecurityStamp);
    }

    public async ValueTask DisposeAsync()
    {
        // A file that a pooled connection holds open cannot be deleted everywhere.
        await using (var connection = new SqliteConnection(connectionString))
        {
            SqliteConnection.ClearPool(connection);
        }

        folder.Delete(recursive: true);
    }
}
