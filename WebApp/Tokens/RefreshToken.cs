namespace WebApp.Tokens;

/// <summary>
/// What a refresh token says: the name of one generation of one session. It is a name and not a random secret, so any node
/// can issue the current generation's token again, after any crash, without having stored it.
/// </summary>
internal sealed record RefreshToken(
    SessionId Session, Generation Generation, UserId User, SessionTransport Transport = SessionTransport.Cookie);
