using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.DataProtection;

namespace WebApp.Tokens;

/// <summary>Encrypts what the database keeps of an upstream issuer's tokens, by ASP.NET Core Data Protection.</summary>
internal sealed class UpstreamTokenProtector(IDataProtectionProvider provider)
{
    private readonly IDataProtector protector = provider.CreateProtector("WebApp.Tokens.UpstreamTokens.v1");

    public string Protect(UpstreamTokens tokens) => protector.Protect(JsonSerializer.Serialize(tokens));

    /// <summary>Null for nothing, and for what another ring or a later version has written.</summary>
    public UpstreamTokens? Read(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize<UpstreamTokens>(protector.Unprotect(text));
        }
        catch (Exception unreadable) when (unreadable is CryptographicException or JsonException)
        {
            return null;
        }
    }
}
