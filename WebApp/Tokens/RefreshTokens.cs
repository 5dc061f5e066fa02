using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;

namespace WebApp.Tokens;

/// <summary>
/// Writes and reads refresh tokens. ASP.NET Core Data Protection makes them opaque and unforgeable and rolls its own keys.
/// Two protections of one generation differ in bytes and are the same token.
/// </summary>
internal sealed class RefreshTokens(IDataProtectionProvider provider)
{
    /// <summary>Longest text that is looked at, in characters. Ours are about 300.</summary>
    public const int MaxLength = 2048;

    private const string Purpose = "WebApp.Tokens.RefreshToken.v1";

    private readonly IDataProtector inCookies = provider.CreateProtector(Purpose);
    private readonly IDataProtector inBodies = provider.CreateProtector(Purpose, "body");

    public string Protect(RefreshToken token) =>
        For(token.Transport).Protect($"{token.Session}.{token.Generation}.{token.User}");

    /// <summary>
    /// Reads a token that this site has issued. Garbage, a forgery, or a token of another purpose gives null; nothing but
    /// memory is touched (scenario 44). The token of a session that was opened in another way is of another purpose.
    /// </summary>
    public RefreshToken? Read(string? text, SessionTransport transport = SessionTransport.Cookie)
    {
        if (string.IsNullOrEmpty(text) || text.Length > MaxLength)
        {
            return null;
        }

        string name;
        try
        {
            name = For(transport).Unprotect(text);
        }
        catch (CryptographicException)
        {
            return null;
        }

        return name.Split('.', 3) is [var session, var generation, { Length: > 0 } user]
            && SessionId.TryParse(session, out var sessionId)
            && Generation.TryParse(generation, out var number)
                ? new RefreshToken(sessionId, number, new UserId(user), transport)
                : null;
    }

    private IDataProtector For(SessionTransport transport) => transport switch
    {
        SessionTransport.Cookie => inCookies,
        SessionTransport.Body => inBodies,
    };
}
