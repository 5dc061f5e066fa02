using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using WebApp.Composition;
using WebApp.Storage;

namespace WebApp.Tests.Fixtures;

/// <summary>
/// The whole site on a real Kestrel socket, with a database file of its own, a clock that stands still until it is moved, and a
/// probe on every statement.
/// </summary>
internal sealed class Site : WebApplicationFactory<Program>
{
    private static readonly DateTimeOffset Beginning = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>
    /// What the first start of an unchanged site leaves behind: schema, accounts and keys. To make it takes longer than most tests,
    /// which therefore begin with a copy.
    /// </summary>
    private static readonly Lazy<DirectoryInfo> FirstStart = new(StartFirst);

    private readonly Dictionary<string, string> settings;
    private readonly DirectoryInfo folder;
    private readonly bool ownsFolder;
    private readonly bool realTime;
    private Action<IServiceCollection> more = _ => { };

    private Site(Dictionary<string, string> settings, DirectoryInfo folder, bool ownsFolder, bool realTime, DateTimeOffset now)
    {
        this.settings = settings;
        this.realTime = realTime;
        this.folder = folder;
        this.ownsFolder = ownsFolder;
        Time = new FakeTimeProvider(now);
        UseKestrel();
    }

    public FakeTimeProvider Time { get; }

    public DatabaseProbe Database { get; } = new();

    public RequestProbe Requests { get; } = new();

    public LogProbe Logs { get; } = new();

    public Uri Address => ClientOptions.BaseAddress;

    public static TimeSpan AccessTokenLifetime => TimeSpan.FromMinutes(5);

    public static TimeSpan ReplayWindow => TimeSpan.FromSeconds(30);

    /// <param name="changes">Settings that differ from the defaults.</param>
    public static Site Start(params (string Key, string Value)[] changes) => Start(changes, realTime: false);

    /// <summary>The same with more in it.</summary>
    public static Site Start(Action<IServiceCollection> more) => Start([], realTime: false, more);

    /// <summary>The same in real time, where a server that keeps time of its own takes part. The access token then ends by being left out.</summary>
    public static Site StartInRealTime(params (string Key, string Value)[] changes) => Start(changes, realTime: true);

    /// <summary>Another process, so to speak, on the same database and the same keys: a restart, or a second node.</summary>
    public Site StartAnother()
    {
        var other = new Site(settings, folder, ownsFolder: false, realTime, Time.GetUtcNow());
        other.StartServer();
        return other;
    }

    /// <summary>Moves the clock past the end of every access token issued so far.</summary>
    public void ExpireAccessTokens() => Leap(AccessTokenLifetime + TimeSpan.FromSeconds(1));

    /// <summary>
    /// Moves the clock far. The site's timers, one of which ticks twice a second, are spared the moments in between.
    /// </summary>
    public void Leap(TimeSpan time) => Time.AdjustTime(Time.GetUtcNow() + time);

    public async Task<T> InDatabaseAsync<T>(Func<WebAppDb, Task<T>> work)
    {
        await using var db = await Services.GetRequiredService<IDbContextFactory<WebAppDb>>().CreateDbContextAsync();
        return await work(db);
    }

    /// <summary>The one session of a site where one was opened.</summary>
    public Task<SessionRow> TheSessionAsync() => InDatabaseAsync(db => db.Sessions.AsNoTracking().SingleAsync());

    public Task<SessionRow> SessionAsync(Guid id) => InDatabaseAsync(db => db.Sessions.AsNoTracking().SingleAsync(row => row.Id == id));

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseEnvironment("Development");
        builder.UseSolutionRelativeContentRoot(".", "WebApp.sln");
        builder.UseSetting("ConnectionStrings:Database", $"Data Source={Path.Combine(folder.FullName, "webapp.db")}");
        builder.UseSetting(WebHostDefaults.ServerUrlsKey, "http://127.0.0.1:0");
        builder.UseSetting("Sessions:Jitter", "0");
        foreach (var (key, value) in settings)
        {
            builder.UseSetting(key, value);
        }

        builder.ConfigureLogging(logs => logs.ClearProviders().AddProvider(Logs).SetMinimumLevel(LogLevel.Debug));
        builder.ConfigureTestServices(services =>
        {
            if (!realTime)
            {
                services.Replace(ServiceDescriptor.Singleton<TimeProvider>(Time));
            }

            services.ConfigureDbContext<WebAppDb>(options => options.AddInterceptors(Database));
            services.AddSingleton<IStartupFilter>(Requests);

            // Passwords that nobody has to guess: hundreds of sign-ins would spend most of their time on hashing.
            services.Configure<PasswordHasherOptions>(options => options.IterationCount = 100);
            more(services);
        });
    }

    public override async ValueTask DisposeAsync()
    {
        var database = Services.GetRequiredService<SqliteLocation>().ConnectionString;
        await base.DisposeAsync();
        await using (var connection = new SqliteConnection(database))
        {
            SqliteConnection.ClearPool(connection);
        }

        if (ownsFolder)
        {
            folder.Delete(recursive: true);
        }
    }

    private static Site Start((string Key, string Value)[] changes, bool realTime, Action<IServiceCollection>? more = null)
    {
        var folder = Directory.CreateTempSubdirectory("webapp-tests-");
        if (changes.Length == 0 && !realTime)
        {
            Copy(FirstStart.Value, folder);
        }

        var site = new Site(
            changes.ToDictionary(change => change.Key, change => change.Value), folder, ownsFolder: true, realTime, Beginning);
        site.more = more ?? site.more;
        site.StartServer();
        return site;
    }

    private static DirectoryInfo StartFirst()
    {
        var folder = Directory.CreateTempSubdirectory("webapp-tests-");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folder.Delete(recursive: true);
        using var site = new Site([], folder, ownsFolder: false, realTime: false, Beginning);
        site.StartServer();
        return folder;
    }

    private static void Copy(DirectoryInfo from, DirectoryInfo to)
    {
        foreach (var file in from.EnumerateFiles())
        {
            file.CopyTo(Path.Combine(to.FullName, file.Name));
        }

        foreach (var folder in from.EnumerateDirectories())
        {
            Copy(folder, to.CreateSubdirectory(folder.Name));
        }
    }
}
