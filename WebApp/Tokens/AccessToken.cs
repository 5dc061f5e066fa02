using System.Security.Claims;

namespace WebApp.Tokens;

/// <summary>
/// An access token that this site has signed. Whether it is still in force is asked each time it is shown: the time and the
/// list of revoked sessions decide, not this type.
/// </summary>
internal sealed class AccessToken(
    ClaimsIdentity identity,
    UserId user,
    SessionId session,
    Generation generation,
    DateTimeOffset authenticatedAt,
    DateTimeOffset expiresAt)
{
    private int paired;

    public UserId User { get; } = user;

    public SessionId Session { get; } = session;

    public Generation Generation { get; } = generation;

    public DateTimeOffset AuthenticatedAt { get; } = authenticatedAt;

    /// <summary>The first instant at which the token is no longer accepted (RFC 7519, section 4.1.4).</summary>
    public DateTimeOffset ExpiresAt { get; } = expiresAt;

    /// <summary>Whether a refresh token of the same generation has been seen beside this token.</summary>
    public bool IsPaired => Volatile.Read(ref paired) != 0;

    /// <summary>Marks the token as paired. True for the one caller that did it.</summary>
    public bool TryPair() => Interlocked.Exchange(ref paired, 1) == 0;

    /// <summary>A principal of the caller's own: the remembered one is shared by every request that shows this token.</summary>
    public ClaimsPrincipal CreatePrincipal() => new(identity.Clone());

    public override string ToString() => $"access token of session {Session}, generation {Generation}";
}
