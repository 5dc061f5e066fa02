using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Coordination;
using WebApp.Locking;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tokens;

namespace WebApp.Lab;

/// <summary>
/// The classes of the site, composed by hand with the guards off: no flights, no replay, and a lock only for the strategy that is
/// about one. Its database, keys and meters are its own, so that nothing of it shows on the site.
/// </summary>
internal sealed class SandboxRooms : IDisposable
{
    private readonly SandboxMeters meters = new();
    private readonly SessionMetrics metrics;

    public SandboxRooms(
        LabStrategy strategy, TemporaryDatabase database, IOptions<SessionsOptions> options, TimeProvider time, ILoggerFactory logs)
    {
        var protection = new EphemeralDataProtectionProvider();
        var upstream = new UpstreamTokenProtector(protection);
        var keys = new SigningKeys();
        keys.Use([SigningKey.Create(options.Value.Algorithm)]);
        metrics = new SessionMetrics(meters);
        var retry = new DatabaseRetry(time, logs.CreateLogger<DatabaseRetry>());

        // Sessions end here by the hundred, and the site's log is about its own.
        Rows = new SeenLongAgo(new SessionRows(database, upstream));
        Revoked = new RevokedSessions(options, time);
        var revoker = new SessionRevoker(Rows, Revoked, retry, metrics, time, NullLogger<SessionRevoker>.Instance);
        Judge = new RotationJudge(Rows, revoker, retry, options, time);
        AccessTokens = new AccessTokenReader(keys, options, time);
        RefreshTokens = new RefreshTokens(protection);
        Pairs = new TokenPairs(new AccessTokenIssuer(keys, options, Random.Shared), RefreshTokens);
        Lifecycle = new SessionLifecycle(new SessionOpener(Rows, upstream, retry, options, time), revoker, Pairs, time);
        Locks = strategy == LabStrategy.Lock ? new ProcessUserLock(options, time) : null;
        RefreshesAlways = strategy == LabStrategy.Reload;
        Time = time;
    }

    public ISessionRows Rows { get; }

    public RevokedSessions Revoked { get; }

    public RotationJudge Judge { get; }

    public AccessTokenReader AccessTokens { get; }

    public RefreshTokens RefreshTokens { get; }

    public TokenPairs Pairs { get; }

    public SessionLifecycle Lifecycle { get; }

    /// <summary>Null for a strategy without one.</summary>
    public IUserLock? Locks { get; }

    /// <summary>Whether an access token in force saves no refresh.</summary>
    public bool RefreshesAlways { get; }

    public TimeProvider Time { get; }

    public void Dispose()
    {
        AccessTokens.Dispose();
        metrics.Dispose();
        meters.Dispose();
    }

    /// <summary>Meters by another name than the site's, whose figures must not count what happens here.</summary>
    private sealed class SandboxMeters : IMeterFactory
    {
        private readonly List<Meter> made = [];

        public Meter Create(MeterOptions options)
        {
            var meter = new Meter($"{options.Name}.Lab");
            made.Add(meter);
            return meter;
        }

        public void Dispose() => made.ForEach(meter => meter.Dispose());
    }
}
