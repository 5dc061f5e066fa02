namespace WebApp.Configuration;

/// <summary>The section <c>Sessions</c> of the configuration. Checked at start by <see cref="SessionsRules"/>.</summary>
internal sealed class SessionsOptions
{
    public const string Section = "Sessions";

    /// <summary>How long an access token is accepted. Fractions of a second are meant for tests.</summary>
    public TimeSpan AccessTokenLifetime { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a session lasts without a refresh.</summary>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromDays(14);

    /// <summary>How long a session lasts at most, from signing in.</summary>
    public TimeSpan AbsoluteLifetime { get; set; } = TimeSpan.FromDays(30);

    /// <summary>
    /// How long a spent refresh token still gets its successor, counted from the first proof that a browser holds that successor.
    /// Must exceed three times the longest time that a request or response is under way.
    /// </summary>
    public TimeSpan ReplayWindow { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a lock outlives a holder that has died. Renewed while the work runs.</summary>
    public TimeSpan LockLease { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a refresh waits for the lock before it lets the database settle the matter alone.</summary>
    public TimeSpan LockWait { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The <c>iss</c> of the access tokens.</summary>
    public string Issuer { get; set; } = "WebApp";

    /// <summary>The <c>aud</c> of the access tokens.</summary>
    public string Audience { get; set; } = "WebApp";

    /// <summary>
    /// What new access tokens are signed with: ES256, RS256 or HS256 (RFC 7518, section 3.1). After a change the key at hand goes
    /// on signing for a day, in which every node and every client of the key set comes to know the new one.
    /// </summary>
    public string Algorithm { get; set; } = "ES256";

    /// <summary>The largest part of its lifetime by which an access token may be shortened, so that sessions do not expire together.</summary>
    public double Jitter { get; set; } = 0.05;

    /// <summary>What a refresh that must spend an upstream refresh token does while Redis is away.</summary>
    public WithoutRedis WithoutRedis { get; set; } = WithoutRedis.Refuse;

    /// <summary>Whether responses say in <c>Server-Timing</c> that they refreshed. Always on in Development.</summary>
    public bool Explain { get; set; }
}

/// <summary>What to do without the lock that keeps two nodes from spending one upstream refresh token.</summary>
internal enum WithoutRedis
{
    /// <summary>Nothing is spent; the refresh is put off with 503.</summary>
    Refuse,

    /// <summary>This is the only node: it goes on, and the database's condition is the only guard.</summary>
    SingleNode,
}
