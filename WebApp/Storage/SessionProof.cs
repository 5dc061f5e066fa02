using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>
/// Somebody has shown to hold this generation, in this way: a browser by two cookies that agree, a program by a call with its
/// access token. Only the way in which the session was opened proves anything (protocol, "Seen").
/// </summary>
internal readonly record struct SessionProof(
    SessionId Session, Generation Generation, SessionTransport Transport = SessionTransport.Cookie);
