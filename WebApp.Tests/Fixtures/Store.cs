using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using WebApp.Configuration;
using WebApp.Coordination;
using WebApp.Locking;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tokens;
using WebApp.Upstream;

namespace WebApp.Tests.Fixtures;

/// <summary>
/// The rooms behind the door, on a database of their own and without a web server: a probe on every statement, a clock that
/// stands still, and a log that no token may get into.
/// </summary>
internal sealed class Store : IAsyncDisposable
{
    private readonly TestDatabase database;
    private readonly Store? first;
    private readonly ServiceProvider services;
    private readonly List<IHostedService> started = [];

    private Store(
        TestDatabase database, Store? first, WatchedTime time, SessionsOptions options, IDataProtectionProvider protection,
        StubIssuer? issuer)
    {
        Issuer = issuer;
        this.database = database;
        this.first = first;
        Time = time;
        Options = options;
        Protection = protection;
        services = Compose();
    }

    /// <summary>Where its database lies, if that is a file.</summary>
    public string File => ((SqliteDatabase)database).File;

    public WatchedTime Time { get; }

    public SessionsOptions Options { get; }

    public IDataProtectionProvider Protection { get; }

    public DatabaseProbe Probe { get; } = new();

    public LogProbe Logs { get; } = new();

    /// <summary>The lock of this node's coordinator.</summary>
    public StubLock Locks { get; } = new();

    /// <summary>The upstream issuer, if there is one.</summary>
    public StubIssuer? Issuer { get; }

    /// <summary>What this node measures.</summary>
    public MeterProbe Meters { get; private set; } = null!;

    /// <param name="change">What differs from the defaults.</param>
    /// <param name="postgres">Where its database is made; a SQLite file if it is null.</param>
    /// <param name="issuer">An upstream issuer behind the site, if there is to be one.</param>
    public static async Task<Store> OpenAsync(
        Action<SessionsOptions>? change = null, SharedPostgres? postgres = null, StubIssuer? issuer = null) =>
        On(await TestDatabase.CreateAsync(postgres), change, issuer);

    /// <summary>On a database that the store closes with itself.</summary>
    public static Store On(TestDatabase database, Action<SessionsOptions>? change = null, StubIssuer? issuer = null)
    {
        var options = new SessionsOptions { Jitter = 0 };
        change?.Invoke(options);
        return new Store(database, null, new WatchedTime(), options, new EphemeralDataProtectionProvider(), issuer);
    }

    /// <summary>Another node on the same database, with a clock of its own that shows the same time.</summary>
    /// <param name="change">What differs from the defaults.</param>
    /// <param name="protection">Other keys than the first node's.</param>
    public Store Another(Action<SessionsOptions>? change = null, IDataProtectionProvider? protection = null)
    {
        var options = new SessionsOptions { Jitter = 0 };
        change?.Invoke(options);
        var time = new WatchedTime();
        time.AdjustTime(Time.GetUtcNow());
        return new Store(database, this, time, options, protection ?? Protection, Issuer);
    }

    public T Get<T>()
        where T : notnull => services.GetRequiredService<T>();

    /// <summary>Starts a hosted service, and stops it with the store.</summary>
    public async Task<T> StartAsync<T>()
        where T : class, IHostedService
    {
        var service = services.GetRequiredService<T>();
        await service.StartAsync(CancellationToken.None);
        started.Add(service);
        return service;
    }

    public Task<RotationVerdict> JudgeAsync(RefreshToken presented) => JudgeUntilAsync(presented, CancellationToken.None);

    public Task<RotationVerdict> JudgeUntilAsync(RefreshToken presented, CancellationToken deadline) =>
        Get<RotationJudge>().JudgeAsync(presented, Some.Client, deadline);

    public Task<RefreshOutcome> RefreshAsync(RefreshToken presented) =>
        Get<RefreshCoordinator>().RefreshAsync(presented, Some.Client);

    public Task RevokeAsync(SessionId session, RefusalReason reason = RefusalReason.Revoked) =>
        Get<SessionRevoker>().RevokeAsync(session, reason, CancellationToken.None);

    /// <summary>A new account with an open session.</summary>
    public async Task<RefreshToken> SignInAsync(params string[] roles)
    {
        var account = await OpenAccountAsync(roles);
        var grant = await OpenSessionAsync(new AccountProof(new UserId(account.Id), account.SecurityStamp!));
        return new RefreshToken(grant!.Session, grant.Generation, grant.User);
    }

    public Task<SessionGrant?> OpenSessionAsync(AccountProof proof, bool persistent = false) =>
        Get<SessionOpener>().OpenAsync(proof, Some.Client, SessionTransport.Cookie, persistent, CancellationToken.None);

    public async Task<Account> OpenAccountAsync(params string[] roles)
    {
        var account = new Account { UserName = $"somebody {Guid.NewGuid()}", SecurityStamp = Guid.NewGuid().ToString() };
        await InDatabaseAsync(async db =>
        {
            db.Users.Add(account);
            return await db.SaveChangesAsync();
        });
        foreach (var role in roles)
        {
            await GiveRoleAsync(new UserId(account.Id), role);
        }

        return account;
    }

    public Task GiveRoleAsync(UserId user, string name) => InDatabaseAsync(async db =>
    {
        var role = new IdentityRole(name) { NormalizedName = Guid.NewGuid().ToString() };
        db.Roles.Add(role);
        db.UserRoles.Add(new IdentityUserRole<string> { UserId = user.Value, RoleId = role.Id });
        return await db.SaveChangesAsync();
    });

    public Task<SessionRow> RowAsync(SessionId session) =>
        InDatabaseAsync(db => db.Sessions.AsNoTracking().SingleAsync(row => row.Id == session.Value));

    /// <summary>What is recorded, but for signing in and for lost responses that were made good.</summary>
    public Task<List<SecurityEvent>> EventsAsync() => InDatabaseAsync(db => db.SecurityEvents.AsNoTracking()
        .Where(each => each.Kind != SecurityEventKinds.SignedIn && each.Kind != SecurityEventKinds.Replayed)
        .ToListAsync());

    /// <summary>Changes a session's row as if another node had.</summary>
    public Task ChangeAsync(SessionId session, Action<SessionRow> change) => InDatabaseAsync(async db =>
    {
        change(await db.Sessions.SingleAsync(row => row.Id == session.Value));
        return await db.SaveChangesAsync();
    });

    /// <summary>Changes an account and nothing else, as an administrator's tool might.</summary>
    public Task ChangeAsync(UserId user, Action<Account> change) => InDatabaseAsync(async db =>
    {
        change(await db.Users.SingleAsync(account => account.Id == user.Value));
        return await db.SaveChangesAsync();
    });

    public Task DeleteAsync(UserId user) =>
        InDatabaseAsync(db => db.Users.Where(account => account.Id == user.Value).ExecuteDeleteAsync());

    /// <summary>Looks into the database, or changes it, behind the probe's back.</summary>
    public async Task<T> InDatabaseAsync<T>(Func<WebAppDb, Task<T>> work, int busySeconds = 10)
    {
        await using var db = database.Open(busySeconds);
        return await work(db);
    }

    /// <summary>The same, for as long as the test likes.</summary>
    public WebAppDb OpenDatabase() => database.Open();

    public async ValueTask DisposeAsync()
    {
        foreach (var service in started)
        {
            await service.StopAsync(CancellationToken.None);
        }

        Meters.Dispose();
        await services.DisposeAsync();
        if (first is null)
        {
            await database.DisposeAsync();
        }

        NoTokens.In(Logs);
    }

    private ServiceProvider Compose()
    {
        var rooms = new ServiceCollection();
        database.AddTo(rooms, Probe);
        if (Issuer is not null)
        {
            rooms.AddSingleton<IUpstreamIssuer>(Issuer)
                .AddSingleton<UpstreamEnds>()
                .AddSingleton<UpstreamStash>()
                .AddSingleton<UpstreamSpender>()
                .AddSingleton<UpstreamRotation>()
                .AddSingleton<UpstreamAccess>();
        }

        var composed = rooms
            .AddLogging(logs => logs.AddProvider(Logs).SetMinimumLevel(LogLevel.Trace))
            .AddMetrics()
            .AddSingleton<TimeProvider>(Time)
            .AddSingleton(Microsoft.Extensions.Options.Options.Create(Options))
            .AddSingleton(Protection)
            .AddSingleton<SessionMetrics>()
            .AddSingleton<SigningKeys>()
            .AddSingleton<AccessTokenIssuer>()
            .AddSingleton<AccessTokenReader>()
            .AddSingleton<RefreshTokens>()
            .AddSingleton<TokenPairs>()
            .AddSingleton<SigningKeyStore>()
            .AddSingleton<RevokedSessions>()
            .AddSingleton<RevokedSessionsReader>()
            .AddSingleton<SeenWriter>()
            .AddSingleton<SecurityEvents>()
            .AddSingleton<SecurityLog>()
            .AddSingleton<SessionList>()
            .AddSingleton<SessionEndings>()
            .AddSingleton<SessionSweeper>()
            .AddSingleton(Random.Shared)
            .AddSingleton<UpstreamTokenProtector>()
            .AddSingleton<ISessionRows, SessionRows>()
            .AddSingleton<IUpstreamRows, UpstreamRows>()
            .AddSingleton<DatabaseRetry>()
            .AddSingleton<SessionRevoker>()
            .AddSingleton<RotationJudge>()
            .AddSingleton<SessionOpener>()
            .AddSingleton<DeadSessions>()
            .AddSingleton<RefreshBudget>()
            .AddSingleton<IUserLock>(Locks)
            .AddSingleton<RefreshCoordinator>()
            .BuildServiceProvider(validateScopes: true);
        Meters = new MeterProbe(composed.GetRequiredService<IMeterFactory>());
        composed.GetRequiredService<SigningKeys>().Use([SigningKey.Create(Options.Algorithm)]);
        return composed;
    }
}
