using Microsoft.AspNetCore.WebUtilities;

namespace WebApp.Cookies;

/// <summary>The secret of a browser for which forms are kept. It says nothing of who sits there.</summary>
internal static class KeptFormCookie
{
    /// <summary>In bytes.</summary>
    public const int SecretLength = 32;

    private const string Bare = "kept_forms";
    private const string HostPrefix = "__Host-";

    public static bool IsThere(HttpRequest request) => request.Cookies.ContainsKey(Name(request));

    /// <summary>Null if there is none, or none of ours.</summary>
    public static byte[]? Read(HttpRequest request)
    {
        try
        {
            return request.Cookies[Name(request)] is { } text && WebEncoders.Base64UrlDecode(text) is { Length: SecretLength } secret
                ? secret
                : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    public static void Write(HttpContext context, byte[] secret, TimeSpan lifetime) => context.Response.Cookies.Append(
        Name(context.Request),
        WebEncoders.Base64UrlEncode(secret),
        new CookieOptions
        {
            HttpOnly = true,
            Secure = context.Request.IsHttps,
            SameSite = SameSiteMode.Lax,
            Path = "/",
            MaxAge = lifetime,
        });

    private static string Name(HttpRequest request) => request.IsHttps ? HostPrefix + Bare : Bare;
}
