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

    private readonly IDataProtector protector = provider.CreateProtector("WebApp.Tokens.RefreshToken.v1");

    public string Protect(RefreshToken token) => protector.Protect($"{token.Session}.{token.Generation}.{token.User}");

    /// <summary>
    /// Reads a token that this site has issued. Garbage, a forgery, or a token of another purpose gives null; nothing but
    /// memory is touched (scenario 44).
    /// </summary>
    public RefreshToken? Read(string? text)
    {
        if (string.IsNullOrEmpty(text) || text.Length > MaxLength)
        {
            return null;
        }

        string name;
        try
        {
            name = protector.Unprotect(text);
        }
        catch (CryptographicException)
        {
            return null;
        }

        return name.Split('.', 3) is [var session, var generation, { Length: > 0 } user]
            && SessionId.TryParse(session, out var sessionId)
            && Generation.TryParse(generation, out var number)
                ? new RefreshToken(sessionId, number, new UserId(user))
                : null;
    }
}
