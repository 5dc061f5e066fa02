using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Cookies;
using WebApp.Coordination;
using WebApp.Storage;

namespace WebApp.Sessions;

/// <summary>What every request's session needs, gathered once.</summary>
internal sealed class UserSessionServices(
    SessionDoor door,
    SessionLifecycle lifecycle,
    SessionCookies cookies,
    RevokedSessions revoked,
    IOptions<SessionsOptions> options,
    IHostEnvironment environment,
    TimeProvider time,
    ILogger<UserSession> logger,
    UpstreamAccess? upstream = null)
{
    public SessionDoor Door { get; } = door;

    public SessionLifecycle Lifecycle { get; } = lifecycle;

    public SessionCookies Cookies { get; } = cookies;

    public RevokedSessions Revoked { get; } = revoked;

    /// <summary>The tokens of an upstream issuer; null without one.</summary>
    public UpstreamAccess? Upstream { get; } = upstream;

    public TimeProvider Time { get; } = time;

    public ILogger Logger { get; } = logger;

    /// <summary>How long after its decision a refreshed pair may leave (protocol, "What a response may do to cookies").</summary>
    public TimeSpan LatestCookies { get; } = options.Value.ReplayWindow / 3;

    /// <summary>Whether responses say that they refreshed.</summary>
    public bool Explain { get; } = options.Value.Explain || environment.IsDevelopment();
}
