namespace WebApp.Tokens;

/// <summary>
/// What a pair is made from: one generation of a session, with the account's name and roles as the database has them now.
/// </summary>
/// <param name="AuthenticatedAt">When the person signed in (<c>auth_time</c>, OpenID Connect Core 1.0, section 2).</param>
/// <param name="ExpiresAt">The session's absolute end. It never moves.</param>
/// <param name="Persistent">Whether the cookies outlive the browser ("remember me").</param>
/// <param name="Transport">How the session was opened: its refresh token is good for nothing else.</param>
internal sealed record SessionGrant(
    SessionId Session,
    Generation Generation,
    UserId User,
    string Name,
    IReadOnlyList<string> Roles,
    DateTimeOffset AuthenticatedAt,
    DateTimeOffset ExpiresAt,
    bool Persistent,
    SessionTransport Transport);
