namespace WebApp.Tokens;

/// <summary>How a session was opened. Its refresh token is accepted in no other way (protocol, "Seen").</summary>
internal enum SessionTransport
{
    /// <summary>By a browser, which keeps the pair in cookies.</summary>
    Cookie,

    /// <summary>By a program, which keeps the pair itself and sends it in JSON bodies and the Authorization header.</summary>
    Body,
}
