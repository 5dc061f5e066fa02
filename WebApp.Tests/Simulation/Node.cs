using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.IdentityModel.Tokens;
using WebApp.Cookies;
using WebApp.Coordination;
using WebApp.Locking;
using WebApp.Sessions;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tokens;

namespace WebApp.Tests.Simulation;

/// <summary>
/// One process of the site: the classes that are shipped, put together as Composition does. It dies with all that it remembers
/// and starts anew.
/// </summary>
internal sealed class Node(World world, int number) : IDisposable
{
    private static readonly SigningKeys Keys = NewKeys();
    private static readonly EphemeralDataProtectionProvider Protection = new();
    private static readonly SessionMetrics Metrics = new(new Meters());
    private static readonly Environment Production = new();

    private AccessTokenReader? accessTokens;
    private DeadSessions? dead;
    private SecurityEvents? events;

    public Lane Lane { get; private set; } = new(world, "");

    public bool IsServing { get; private set; }

    /// <summary>Statements and commands sent so far.</summary>
    public int Commands { get; set; }

    /// <summary>When the process last went on after having stood still.</summary>
    public TimeSpan ThawedAt { get; private set; } = TimeSpan.MinValue;

    public UserSessionMiddleware Door { get; private set; } = null!;

    public Site Site { get; private set; } = null!;

    public AccessTokenTickets Tickets { get; private set; } = null!;

    public RefreshTokens RefreshTokens { get; private set; } = null!;

    public SessionRevoker Revoker { get; private set; } = null!;

    public override string ToString() => $"node {number}";

    /// <summary>A new process: it serves once it has read the list of revoked sessions.</summary>
    public void Start()
    {
        Lane = new Lane(world, ToString());
        IsServing = false;
        var time = Lane.Time;
        var options = world.Options;
        var rows = new Rows(world, this);
        accessTokens = new AccessTokenReader(Keys, options, time);
        RefreshTokens = new RefreshTokens(Protection);
        var pairs = new TokenPairs(new AccessTokenIssuer(Keys, options, world.Dice), RefreshTokens);
        var revoked = new RevokedSessions(options, time);
        var reader = new RevokedSessionsReader(rows, revoked, time, NullLogger<RevokedSessionsReader>.Instance);
        var seen = new SeenWriter(rows, time, NullLogger<SeenWriter>.Instance);
        var retry = new DatabaseRetry(time, NullLogger<DatabaseRetry>.Instance);
        Revoker = new SessionRevoker(rows, revoked, retry, Metrics, time, NullLogger<SessionRevoker>.Instance);
        var judge = new RotationJudge(rows, Revoker, retry, options, time);
        var locks = new RedisUserLock(world.Redis.SeenFrom(this), options, time, world.Dice, NullLogger<RedisUserLock>.Instance);
        dead = new DeadSessions(time);
        events = new SecurityEvents(time);
        var coordinator = new RefreshCoordinator(
            locks, judge, pairs, revoked, dead, world.Budget, options, Metrics, events, time, NullLogger<RefreshCoordinator>.Instance);
        var opener = new SessionOpener(rows, new UpstreamTokenProtector(Protection), retry, options, time);
        var cookies = new SessionCookies(Production, time);
        var door = new SessionDoor(cookies, accessTokens, RefreshTokens, revoked, seen, coordinator, Metrics, time);
        var services = new UserSessionServices(
            door, new SessionLifecycle(opener, Revoker, pairs, time), cookies, revoked, options, Production, time,
            NullLogger<UserSession>.Instance);
        Tickets = new AccessTokenTickets(accessTokens);
        Site = new Site(world, this);
        Door = new UserSessionMiddleware(Site.AnswerAsync, services);

        var lane = Lane;
        lane.Start(async () =>
        {
            while (!await TryReadAllAsync(reader))
            {
                // The process ends, and whoever watches over it starts it again.
                await world.PauseAsync(TimeSpan.FromSeconds(1));
            }

            IsServing = true;
            world.Say($"{this} serves");
            lane.Start(() => reader.RunAsync(CancellationToken.None));
            lane.Start(() => seen.RunAsync(CancellationToken.None));
        });
    }

    public void Crash()
    {
        world.Totals.Count(Event.Crash);
        if (world.Redis.IsHeldFor($"{this}/"))
        {
            world.Totals.Count(Event.CrashWithLock);
        }

        world.Say($"{this} crashes");
        IsServing = false;
        Lane.Die();
        world.Stage.Lost(this);
        Dispose();
    }

    public void Freeze()
    {
        world.Totals.Count(Event.Freeze);
        world.Say($"{this} stands still");
        Lane.Freeze();
    }

    public void Thaw()
    {
        if (Lane.IsFrozen)
        {
            world.Say($"{this} goes on");
            ThawedAt = world.Now;
            Lane.Thaw();
        }
    }

    public void Dispose()
    {
        accessTokens?.Dispose();
        dead?.Dispose();
        events?.Dispose();
    }

    private static async Task<bool> TryReadAllAsync(RevokedSessionsReader reader)
    {
        try
        {
            await reader.ReadAllAsync(CancellationToken.None);
            return true;
        }
        catch (Exception away) when (away.IsDatabaseAway())
        {
            return false;
        }
    }

    private static SigningKeys NewKeys()
    {
        var keys = new SigningKeys();
        keys.Use([SigningKey.Create(SecurityAlgorithms.HmacSha256)]);
        return keys;
    }

    private sealed class Meters : IMeterFactory
    {
        public Meter Create(MeterOptions options) => new(options);

        public void Dispose()
        {
        }
    }

    private sealed class Environment : IHostEnvironment
    {
        public string EnvironmentName { get; set; } = Environments.Production;

        public string ApplicationName { get; set; } = "WebApp";

        public string ContentRootPath { get; set; } = "/";

        public IFileProvider ContentRootFileProvider { get; set; } = new NullFileProvider();
    }
}
