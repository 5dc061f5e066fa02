using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using WebApp.Composition;
using WebApp.Storage;

namespace WebApp.Tests.Fixtures;

/// <summary>A database of a test's own, with the schema of the site and nothing in it.</summary>
internal abstract class TestDatabase : IAsyncDisposable
{
    /// <param name="postgres">Where it is made; a SQLite file if it is null.</param>
    public static async Task<TestDatabase> CreateAsync(SharedPostgres? postgres) => postgres is null
        ? await SqliteDatabase.CreateAsync()
        : await postgres.LendAsync();

    /// <summary>For a site in a process of its own.</summary>
    public abstract string ForSite { get; }

    /// <summary>Registers it as the site's.</summary>
    public abstract void AddTo(IServiceCollection services, IInterceptor probe);

    /// <summary>For the test's own looks and changes.</summary>
    /// <param name="busySeconds">How long they wait for whoever holds what they want.</param>
    public abstract WebAppDb Open(int busySeconds = 10);

    public abstract ValueTask DisposeAsync();
}

/// <summary>A file.</summary>
internal sealed class SqliteDatabase : TestDatabase
{
    private static readonly Lazy<Task<string>> Template = new(MigrateAsync);

    private SqliteDatabase(string file) => File = file;

    public string File { get; }

    public override string ForSite => $"Data Source={File}";

    private string ConnectionString => $"Data Source={File};Default Timeout=10";

    public static async Task<SqliteDatabase> CreateAsync()
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("webapp-store-").FullName, "webapp.db");
        System.IO.File.Copy(await Template.Value, file);
        return new SqliteDatabase(file);
    }

    public override void AddTo(IServiceCollection services, IInterceptor probe) =>
        services.AddDbContextFactory<WebAppDb>(options => options.UseSqlite(ConnectionString).AddInterceptors(probe));

    public override WebAppDb Open(int busySeconds = 10) => Open($"Data Source={File};Default Timeout={busySeconds};Pooling=False");

    public override async ValueTask DisposeAsync()
    {
        await using (var connection = new SqliteConnection(ConnectionString))
        {
            SqliteConnection.ClearPool(connection);
        }

        Directory.GetParent(File)!.Delete(recursive: true);
    }

    private static WebAppDb Open(string connection) => new(new DbContextOptionsBuilder<WebAppDb>().UseSqlite(connection).Options);

    private static async Task<string> MigrateAsync()
    {
        var folder = Directory.CreateTempSubdirectory("webapp-template-");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folder.Delete(recursive: true);
        var file = Path.Combine(folder.FullName, "webapp.db");
        await using var db = Open($"Data Source={file};Pooling=False");
        await db.Database.MigrateAsync();
        return file;
    }
}

/// <summary>One of a PostgreSQL's. The server takes it along when it ends.</summary>
/// <param name="connection">How the test reaches it.</param>
/// <param name="more">What the site's connection string has besides, or otherwise: a proxy's port, a small pool.</param>
internal sealed class PostgresDatabase(string connection, string more = "") : TestDatabase
{
    /// <summary>The rows are gone, and numbers start again. A statement of a test before that still runs is ended.</summary>
    private const string Emptying = """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle';
        DO $$ DECLARE name text; BEGIN
          SET LOCAL session_replication_role = replica;
          FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> '__EFMigrationsHistory' LOOP
            EXECUTE format('DELETE FROM %I', name);
          END LOOP;
          PERFORM setval(quote_ident(sequencename)::regclass, start_value, false) FROM pg_sequences;
        END $$
        """;

    /// <summary>As the site makes it of what is configured, but for the many who meet at a test's gates.</summary>
    private readonly string site = DatabaseServices.Bounded($"{connection};Maximum Pool Size=120;{more}");

    /// <summary>Who has use for it once the test is over, if anybody.</summary>
    public Action<PostgresDatabase>? GiveBack { get; init; }

    public override string ForSite => connection;

    public async Task EmptyAsync()
    {
        await using var db = Open();
        await db.Database.ExecuteSqlRawAsync(Emptying);
    }

    public override void AddTo(IServiceCollection services, IInterceptor probe)
    {
        services.AddDbContextFactory<PostgreSqlDb>(options => options.UseNpgsql(site).AddInterceptors(probe));
        services.AddSingleton<IDbContextFactory<WebAppDb>, DatabaseServices.PostgreSqlFactory>();
    }

    public override WebAppDb Open(int busySeconds = 10) => new PostgreSqlDb(new DbContextOptionsBuilder<PostgreSqlDb>()
        .UseNpgsql($"{connection};Application Name=test;Options=-c lock_timeout={busySeconds}s").Options);

    public override async ValueTask DisposeAsync()
    {
        // A test of races leaves a hundred connections, and the server has no more than 300. Those of the looks stay.
        await ClearPoolAsync(site);
        if (GiveBack is not null)
        {
            GiveBack(this);
            return;
        }

        await using var db = Open();
        await ClearPoolAsync(db.Database.GetConnectionString()!);
    }

    private static async Task ClearPoolAsync(string connectionString)
    {
        await using var pooled = new NpgsqlConnection(connectionString);
        NpgsqlConnection.ClearPool(pooled);
    }
}
