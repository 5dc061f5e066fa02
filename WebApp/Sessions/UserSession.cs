using System.Globalization;
using WebApp.Cookies;
using WebApp.Coordination;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tokens;

namespace WebApp.Sessions;

/// <summary>The session of one request: what was accepted, and what its response will do to the cookies.</summary>
internal sealed partial class UserSession(HttpContext context, SessionEvidence evidence, UserSessionServices services) : IUserSession
{
    private readonly PathString path = context.Request.Path;
    private AccessToken? access = evidence.Access;
    private TokenPair? pair;
    private long? grantedAt;
    private bool clear;
    private bool registered;

    /// <summary>The access token that the authentication handler takes its ticket from. Secret.</summary>
    public string? AccessText { get; private set; } = evidence.AccessText;

    public SessionGlance? Current => access is null
        ? null
        : new SessionGlance(access.User, access.Session, access.ExpiresAt, access.AuthenticatedAt, access.Generation.Value);

    public RefusalReason? Refusal { get; private set; } = evidence.Refusal;

    /// <summary>Whose session is over, if <see cref="Refusal"/> says that one is and a token of it is genuine.</summary>
    public UserId? DeadUser => Refusal is null ? null : evidence.Refresh?.User ?? evidence.RefusedUser;

    public bool IsUnavailable { get; private set; }

    public bool CanSignIn => services.Cookies.MayTravel(context.Request);

    /// <summary>What is wrong with the token in the Authorization header, if one was sent and is not good.</summary>
    public TokenFault? BearerFault => evidence.BearerFault;

    public bool NeedsRefresh => evidence.Refresh is not null;

    public ClientInfo Client => context.Request.Client();

    /// <summary>Waits for the refresh and takes over what came of it.</summary>
    public async Task RefreshAsync()
    {
        var started = services.Time.GetTimestamp();

        // Leaving early ends this request's wait; the rotation itself goes on.
        var outcome = await services.Door.RefreshAsync(evidence, Client, context.RequestAborted);
        switch (outcome.Status)
        {
            case RefreshStatus.Rotated:
            case RefreshStatus.Replayed:
                Accept(outcome.Pair, outcome.DecidedAt);
                Explain(outcome.Status, services.Time.GetElapsedTime(started));
                break;
            case RefreshStatus.Rejected:
                Refusal = outcome.Reason;
                break;
            case RefreshStatus.Unavailable:
                IsUnavailable = true;
                break;
            default:
                throw new InvalidOperationException($"There is no answer to the outcome {outcome.Status}.");
        }
    }

    public async Task<ApiToken> GetApiTokenAsync(string? refused)
    {
        if (access is null || AccessText is null)
        {
            return IsUnavailable ? ApiToken.Unavailable : ApiToken.Refused(Refusal ?? RefusalReason.Invalid);
        }

        // Ours is in force, or this request would not have come so far. Renewing it earlier would move the session twice within
        // two windows, which the protocol rules out ("Time"): an API that refuses it means what it says.
        return services.Upstream is { } upstream
            ? await upstream.GetAsync(access.User, access.Session, refused)
            : ApiToken.Of(AccessText);
    }

    public async Task<bool> SignInAsync(AccountProof proof, bool remember)
    {
        if (!CanSignIn)
        {
            throw new InvalidOperationException("Tokens may not be handed out over plain HTTP outside Development.");
        }

        // Not the request's token: a browser that leaves now must not leave half a sign-in behind.
        if (await services.Lifecycle.OpenAsync(
            proof, Client, SessionTransport.Cookie, remember, CancellationToken.None) is not { } opened)
        {
            return false;
        }

        await EndPresentedAsync();
        Accept(opened, decidedAt: null);
        return true;
    }

    public async Task SignOutAsync()
    {
        await EndPresentedAsync();
        access = null;
        AccessText = null;
        pair = null;
        clear = true;
        RegisterResponse();
    }

    private async Task EndPresentedAsync()
    {
        var sessions = new[] { access?.Session, (evidence.Refresh ?? services.Door.ReadRefreshToken(evidence.RefreshText))?.Session };
        foreach (var session in sessions.OfType<SessionId>().Distinct())
        {
            await services.Lifecycle.EndAsync(session, CancellationToken.None);
        }
    }

    /// <param name="granted">The pair this request goes on with.</param>
    /// <param name="decidedAt">When a refresh granted it; null for signing in, whose pair is never too late.</param>
    private void Accept(TokenPair granted, long? decidedAt)
    {
        access = services.Door.Open(granted);
        AccessText = granted.AccessToken;
        pair = granted;
        grantedAt = decidedAt;
        clear = false;
        RegisterResponse();
    }

    private void RegisterResponse()
    {
        if (!registered)
        {
            registered = true;
            context.Response.OnStarting(WriteCookiesAsync);
        }
    }

    /// <summary>Runs when the headers leave: the last moment at which it is known how late they are.</summary>
    private Task WriteCookiesAsync()
    {
        if (clear)
        {
            SessionCookies.Clear(context, path);
        }
        else if (pair is not null && services.Revoked.ReasonFor(pair.Grant.Session) is null)
        {
            if (grantedAt is { } since && services.Time.GetElapsedTime(since) > services.LatestCookies)
            {
                // A pair this late could overwrite a newer one. The next request replays (scenario 7).
                LeftTooLate(services.Logger, pair.Grant.Session, pair.Grant.Generation);
            }
            else
            {
                services.Cookies.Write(context, pair, path);
            }
        }

        return Task.CompletedTask;
    }

    private void Explain(RefreshStatus status, TimeSpan duration)
    {
        if (services.Explain)
        {
            var word = status == RefreshStatus.Rotated ? "rotated" : "replayed";
            context.Response.Headers.Append(
                "Server-Timing",
                string.Create(CultureInfo.InvariantCulture, $"refresh;desc=\"{word}\";dur={duration.TotalMilliseconds:0.0}"));
        }
    }

    [LoggerMessage(LogEvents.PairLeftTooLate, LogLevel.Information,
        "A response of session {Session} left too late to carry generation {Generation}; the next request gets it.")]
    private static partial void LeftTooLate(ILogger logger, SessionId session, Generation generation);
}
