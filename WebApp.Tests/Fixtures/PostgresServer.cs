using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using WebApp.Storage;
using Xunit;

[assembly: AssemblyFixture(typeof(WebApp.Tests.Fixtures.SharedPostgres))]

namespace WebApp.Tests.Fixtures;

/// <summary>The one PostgreSQL that tests share which only use it: a database each. Started by the first of them.</summary>
public sealed class SharedPostgres : IAsyncDisposable
{
    private readonly Lazy<Task<PostgresServer>> server = new(PostgresServer.StartAsync);
    private readonly ConcurrentBag<PostgresDatabase> returned = [];

    internal Task<PostgresServer> ServerAsync() => server.Value;

    /// <summary>
    /// A database with the schema of the site and nothing in it, to be given back by disposing of it, with its schema as it was. One that
    /// was given back is emptied and lent again, which costs far less than to make one.
    /// </summary>
    internal async Task<TestDatabase> LendAsync()
    {
        if (!returned.TryTake(out var database))
        {
            return new PostgresDatabase(await (await ServerAsync()).CreateDatabaseAsync()) { GiveBack = returned.Add };
        }

        await database.EmptyAsync();
        return database;
    }

    public async ValueTask DisposeAsync()
    {
        if (server is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
        {
            await (await server.Value).DisposeAsync();
        }
    }
}

/// <summary>
/// A real PostgreSQL on a free loopback port, with its data in a temporary folder. A test that kills one starts its own. Where
/// none is installed the test is skipped and says so; with <c>CI=true</c> it fails.
/// </summary>
internal sealed class PostgresServer : IAsyncDisposable
{
    private const string ReadyLine = "ready to accept connections";
    private const string Superuser = "postgres";

    /// <summary>What initdb makes, once for all servers: each begins with a copy of this folder.</summary>
    private static readonly Lazy<Task<string>> Initialized = new(InitializeAsync);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("webapp-postgres-");
    private readonly string programs;
    private readonly ConcurrentDictionary<string, Lazy<Task>> templates = new();
    private KeptProcess? process;
    private int databases;

    private PostgresServer(string programs) => this.programs = programs;

    public int Port { get; } = FreePort();

    private string Data => Path.Combine(folder.FullName, "data");

    public static async Task<PostgresServer> StartAsync()
    {
        Assert.SkipWhen(Environment.GetEnvironmentVariable("WITHOUT_POSTGRES") == "true", "This run leaves PostgreSQL out (docs/mutation.md).");
        var server = new PostgresServer(Require());
        try
        {
            await server.GiveFolderAsync();
            await CallAsync("cp", "-a", await Initialized.Value, server.folder.FullName);
            await server.RunAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>A database of the test's own, with the schema of the site and nothing in it.</summary>
    public Task<string> CreateDatabaseAsync() => CreateDatabaseAsync("webapp", MigrateAsync);

    /// <summary>A database of the test's own, copied from one that is filled once.</summary>
    /// <param name="kind">What its name begins with.</param>
    /// <param name="fillAsync">Fills the first; no connection to it may be left open.</param>
    public async Task<string> CreateDatabaseAsync(string kind, Func<string, Task> fillAsync)
    {
        var template = $"{kind}_template";
        await templates.GetOrAdd(kind, _ => new Lazy<Task>(async () =>
        {
            await ExecuteAsync($"CREATE DATABASE {template}");
            await fillAsync(ConnectionString(template) + ";Pooling=false");
        })).Value;
        var name = string.Create(CultureInfo.InvariantCulture, $"{kind}_{Interlocked.Increment(ref databases)}");
        await ExecuteAsync($"CREATE DATABASE {name} TEMPLATE {template}");
        return ConnectionString(name);
    }

    /// <summary>Makes the schema of the site.</summary>
    /// <param name="connectionString">Of the database.</param>
    public static async Task MigrateAsync(string connectionString)
    {
        await using var db = new PostgreSqlDb(new DbContextOptionsBuilder<PostgreSqlDb>().UseNpgsql(connectionString).Options);
        await db.Database.MigrateAsync();
    }

    /// <summary>Takes everything out of a database, the schema included. To be called while no node runs on it.</summary>
    /// <param name="connectionString">Of the database.</param>
    public static void Empty(string connectionString)
    {
        using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        connection.Open();
        using var command = new NpgsqlCommand("DROP SCHEMA public CASCADE; CREATE SCHEMA public", connection);
        command.ExecuteNonQuery();
    }

    /// <summary>Closes every connection to every database of the tests, as a fail-over or a broken network does.</summary>
    public Task CutConnectionsAsync() =>
        ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'webapp%'");

    /// <summary>The same for one database.</summary>
    /// <param name="connectionString">Of the database.</param>
    public Task CutConnectionsAsync(string connectionString) => ExecuteAsync(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = " +
        $"'{new NpgsqlConnectionStringBuilder(connectionString).Database}'");

    /// <summary>SIGKILL to all of its processes.</summary>
    public Task KillAsync() => process?.KillAsync() ?? Task.CompletedTask;

    /// <summary>SIGSTOP to all of its processes: connections stand, and nobody answers.</summary>
    public Task FreezeAsync() => process!.FreezeAsync();

    /// <summary>SIGCONT.</summary>
    public Task ThawAsync() => process!.ThawAsync();

    /// <summary>Starts again on the same port with the same data.</summary>
    public async Task RestartAsync()
    {
        await KillAsync();
        await RunAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
        {
            await process.DisposeAsync();
        }

        NpgsqlConnection.ClearAllPools();
        folder.Delete(recursive: true);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>The folder of the server's programs, which Debian keeps out of the PATH.</summary>
    private static string Require()
    {
        const string Debian = "/usr/lib/postgresql";
        var installed = Directory.Exists(Debian)
            ? Directory.GetDirectories(Debian).Select(version => Path.Combine(version, "bin")).Order().LastOrDefault(HasServer)
            : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).FirstOrDefault(HasServer);
        const string Reason = "PostgreSQL's server is not installed.";
        if (Environment.GetEnvironmentVariable("CI") == "true")
        {
            Assert.True(installed is not null, Reason);
        }

        Assert.SkipWhen(installed is null, Reason);
        return installed!;
    }

    private static bool HasServer(string folder) =>
        File.Exists(Path.Combine(folder, "postgres")) && File.Exists(Path.Combine(folder, "initdb"));

    private string ConnectionString(string database) =>
        $"Host=127.0.0.1;Port={Port};Username={Superuser};Database={database};Include Error Detail=true";

    private static async Task<string> InitializeAsync()
    {
        var server = new PostgresServer(Require());
        AppDomain.CurrentDomain.ProcessExit += (_, _) => server.folder.Delete(recursive: true);
        await server.GiveFolderAsync();
        await using var initialization = server.Start(
            null, "initdb", "-D", server.Data, "-U", Superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync");
        Assert.True(await initialization.Ended.InTime() == 0, string.Join('\n', initialization.Errors));
        return server.Data;
    }

    /// <summary>PostgreSQL refuses to run as root.</summary>
    private Task GiveFolderAsync() => Environment.IsPrivilegedProcess ? CallAsync("chown", Superuser, folder.FullName) : Task.CompletedTask;

    private static async Task CallAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync().InTime();
        Assert.True(process.ExitCode == 0, $"{program} ended with {process.ExitCode}.");
    }

    private async Task RunAsync()
    {
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        // What it wrote outlives it without being forced to the disk: processes die here, and not the machine.
        process = Start(
            line => _ = line.Contains(ReadyLine, StringComparison.Ordinal) && ready.TrySetResult(),
            "postgres", "-D", Data, "-h", "127.0.0.1", "-k", folder.FullName,
            "-p", Port.ToString(CultureInfo.InvariantCulture), "-c", "max_connections=300", "-c", "fsync=off");
        if (await Task.WhenAny(ready.Task, process.Ended).InTime() != ready.Task)
        {
            Assert.Fail($"PostgreSQL did not start:\n{string.Join('\n', process.Errors)}");
        }
    }

    /// <summary>SIGQUIT makes PostgreSQL end at once, its children first.</summary>
    private KeptProcess Start(Action<string>? hear, string program, params string[] arguments)
    {
        var path = Path.Combine(programs, program);
        var start = Environment.IsPrivilegedProcess
            ? new ProcessStartInfo("setpriv", ["--reuid", Superuser, "--regid", Superuser, "--clear-groups", path, .. arguments])
            : new ProcessStartInfo(path, arguments);
        start.WorkingDirectory = folder.FullName;
        return KeptProcess.Start("QUIT", start, hear);
    }

    private async Task ExecuteAsync(string statement)
    {
        await using var connection = new NpgsqlConnection(ConnectionString(Superuser) + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(statement, connection);
        await command.ExecuteNonQueryAsync();
    }
}
