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
    private int proved;

    public UserId User { get; } = user;

    public SessionId Session { get; } = session;

    public Generation Generation { get; } = generation;

    public DateTimeOffset AuthenticatedAt { get; } = authenticatedAt;

    /// <summary>The first instant at which the token is no longer accepted (RFC 7519, section 4.1.4).</summary>
    public DateTimeOffset ExpiresAt { get; } = expiresAt;

    /// <summary>Whether somebody has proved, in this way, to hold this token's generation.</summary>
    public bool IsProved(SessionTransport transport) => (Volatile.Read(ref proved) & Bit(transport)) != 0;

    /// <summary>Takes note of the proof. True for the one caller that did it.</summary>
    public bool TryProve(SessionTransport transport) => (Interlocked.Or(ref proved, Bit(transport)) & Bit(transport)) == 0;

    /// <summary>A principal of the caller's own: the remembered one is shared by every request that shows this token.</summary>
    public ClaimsPrincipal CreatePrincipal() => new(identity.Clone());

    private static int Bit(SessionTransport transport) => 1 << (int)transport;

    public override string ToString() => $"access token of session {Session}, generation {Generation}";
}
