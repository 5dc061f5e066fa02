using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Npgsql;
using Xunit;

namespace WebApp.Tests.Fixtures;

/// <summary>
/// A real Django with Simple JWT behind a real gunicorn, on a free loopback port and a PostgreSQL database of its own. Where they
/// are not installed the test is skipped and says so; with <c>CI=true</c> it fails.
/// </summary>
internal sealed class DjangoServer : IAsyncDisposable
{
    /// <summary>Debian's: another may come first in the PATH, and would lack the packages.</summary>
    private const string Python = "/usr/bin/python3";

    private const string Listening = "Listening at: ";

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    private static readonly Lazy<Task<string?>> Found = new(FindAsync);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("webapp-django-");
    private KeptProcess? process;
    private int forgotten;

    private DjangoServer(DjangoOptions options, string connection)
    {
        Options = options;
        Database = new DjangoDatabase(connection);
    }

    public DjangoOptions Options { get; }

    /// <summary>Its own tables.</summary>
    public DjangoDatabase Database { get; }

    /// <summary>The same after a restart.</summary>
    public Uri Address { get; private set; } = new("http://127.0.0.1:0");

    /// <summary>What gunicorn and Django have said, tracebacks included.</summary>
    public IReadOnlyList<string> Errors => process!.Errors;

    private string RequestLog => Path.Combine(folder.FullName, "requests.log");

    public static async Task<DjangoServer> StartAsync(SharedPostgres postgres, DjangoOptions? options = null)
    {
        await RequireAsync();
        options ??= new DjangoOptions();
        var server = new DjangoServer(
            options, await (await postgres.ServerAsync()).CreateDatabaseAsync("django", connection => MigrateAsync(options, connection)));
        try
        {
            await server.RunAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>The version of Simple JWT that is installed.</summary>
    public static async Task<string> VersionAsync() => (await Found.Value)!;

    /// <summary>JSON that Django can read: of a body that does not tell its length it sees nothing.</summary>
    public static HttpContent Body(object value) =>
        new StringContent(JsonSerializer.Serialize(value), encoding: null, mediaType: "application/json");

    /// <summary>
    /// A client that neither follows redirects nor keeps cookies. Nor a connection: gunicorn sends a body after the answer to a
    /// HEAD, which the next answer would seem to begin with.
    /// </summary>
    public HttpClient Client() =>
        new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.Zero })
        {
            BaseAddress = Address,
        };

    /// <summary>Signs somebody in with Django itself.</summary>
    public async Task<CookiePair> SignInAsync(DjangoUser user)
    {
        using var client = Client();
        using var answer = await client.PostAsync("/api/token/", Body(new { username = user.Name, password = user.Password }));
        var pair = await answer.EnsureSuccessStatusCode().JsonAsync();
        return new CookiePair(pair.GetProperty("access").GetString()!, pair.GetProperty("refresh").GetString()!);
    }

    /// <summary>Orders trouble in place of what was ordered before; nothing is no trouble. Requests that are held go on.</summary>
    public async Task OrderAsync(params DjangoTrouble[] troubles)
    {
        // In one step, for the middleware reads it at any time.
        var file = Path.Combine(folder.FullName, "trouble.json");
        await File.WriteAllTextAsync(file + ".new", JsonSerializer.Serialize(troubles, Json));
        File.Move(file + ".new", file, overwrite: true);
    }

    /// <summary>Runs, in no trouble, and has answered nobody yet: as after the start, whatever has happened since.</summary>
    public async Task RenewAsync()
    {
        await OrderAsync();
        if (process!.Ended.IsCompleted)
        {
            await RunAsync();
        }

        await ThawAsync();
        forgotten = Lines().Length;
    }

    /// <summary>How many requests for this path have arrived so far, by Django's own log.</summary>
    public int Arrived(string path) => Log().Count(line => line[0] == ">" && line[2] == path);

    /// <summary>Completes once so many requests for this path have arrived.</summary>
    public Task ArrivedAsync(string path, int count) => Waiting.UntilAsync(() => Task.FromResult(Arrived(path) >= count));

    /// <summary>The status of each answer for this path so far. A request is written down as answered before its answer leaves.</summary>
    public IReadOnlyList<int> Answered(string path) =>
    [
        .. Log().Where(line => line[0] == "<" && line[2] == path).Select(line => int.Parse(line[3], CultureInfo.InvariantCulture)),
    ];

    /// <summary>SIGKILL to all of its processes.</summary>
    public Task KillAsync() => process!.KillAsync();

    /// <summary>SIGSTOP to all of its processes: connections stand, and nobody answers.</summary>
    public Task FreezeAsync() => process!.FreezeAsync();

    /// <summary>SIGCONT.</summary>
    public Task ThawAsync() => process!.ThawAsync();

    /// <summary>Starts again on the same port with the same database, log and trouble.</summary>
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

        folder.Delete(recursive: true);
    }

    private static async Task RequireAsync()
    {
        var found = await Found.Value;
        const string Reason = "Django's Simple JWT, gunicorn or psycopg2 is not installed for " + Python + ".";
        if (Environment.GetEnvironmentVariable("CI") == "true")
        {
            Assert.True(found is not null, Reason);
        }

        Assert.SkipWhen(found is null, Reason);
    }

    private static async Task<string?> FindAsync()
    {
        if (!File.Exists(Python))
        {
            return null;
        }

        await using var look = KeptProcess.Start("KILL", new ProcessStartInfo(Python, ["-c", """
            from importlib import metadata, util
            if all(util.find_spec(each) for each in ("django", "rest_framework", "psycopg2", "gunicorn")):
                print(metadata.version("djangorestframework-simplejwt"))
            """]));
        return await look.Ended.InTime() == 0 ? look.Output.SingleOrDefault() : null;
    }

    /// <summary>Fills the database that the others are copied from.</summary>
    private static async Task MigrateAsync(DjangoOptions options, string connection)
    {
        await using var migration = Start(options, connection, null, null, "django", "migrate", "--skip-checks", "--verbosity", "0");
        Assert.True(await migration.Ended.InTime() == 0, string.Join('\n', migration.Errors));
    }

    private async Task RunAsync()
    {
        var listens = new TaskCompletionSource<Uri>(TaskCreationOptions.RunContinuationsAsynchronously);
        var started = Start(
            Options,
            Database.ConnectionString,
            folder.FullName,
            line =>
            {
                if (line.IndexOf(Listening, StringComparison.Ordinal) is >= 0 and var start)
                {
                    listens.TrySetResult(new Uri(line[(start + Listening.Length)..].Split(' ')[0]));
                }
            },
            "gunicorn",
            ["--bind", Address.Authority, "--preload", .. Size(), "--timeout", "0", "--graceful-timeout", "1", "wsgi"]);
        process = started;
        if (await Task.WhenAny(listens.Task, started.Ended).InTime() != listens.Task)
        {
            Assert.Fail($"Django did not start:\n{string.Join('\n', started.Errors)}");
        }

        Address = await listens.Task;
    }

    private string[] Size() => string.Create(
        CultureInfo.InvariantCulture, $"--worker-class gthread --workers {Options.Workers} --threads {Options.Threads}").Split(' ');

    /// <summary>SIGQUIT makes gunicorn end at once, its workers first.</summary>
    private static KeptProcess Start(
        DjangoOptions options, string connection, string? folder, Action<string>? hear, string module, params string[] arguments)
    {
        var start = new ProcessStartInfo(Python, ["-m", module, .. arguments])
        {
            WorkingDirectory = Path.Combine(Repository.Root.FullName, "WebApp.Tests", "Fixtures", "Django"),
        };
        var database = new NpgsqlConnectionStringBuilder(connection);
        start.Environment["DJANGO_SETTINGS_MODULE"] = "settings";
        start.Environment["DJANGO_DATABASE"] = database.Database;
        start.Environment["DJANGO_DATABASE_PORT"] = database.Port.ToString(CultureInfo.InvariantCulture);
        start.Environment["DJANGO_FOLDER"] = folder;
        start.Environment["DJANGO_SIGNING_KEY"] = options.SigningKey;
        start.Environment["DJANGO_ACCESS_SECONDS"] = options.AccessLifetime.TotalSeconds.ToString(CultureInfo.InvariantCulture);
        start.Environment["DJANGO_REFRESH_SECONDS"] = options.RefreshLifetime.TotalSeconds.ToString(CultureInfo.InvariantCulture);
        start.Environment["DJANGO_USERS"] = JsonSerializer.Serialize(options.Users, Json);
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        start.Environment.Remove("GUNICORN_CMD_ARGS");
        return KeptProcess.Start("QUIT", start, hear);
    }

    /// <summary>Each line: a sign for the way, the method, the path and, of an answer, the status.</summary>
    private IEnumerable<string[]> Log() => Lines().Skip(forgotten).Select(line => line.Split(' '));

    private string[] Lines() => File.Exists(RequestLog) ? File.ReadAllLines(RequestLog) : [];
}
