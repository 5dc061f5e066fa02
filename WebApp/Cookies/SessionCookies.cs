using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using WebApp.Tokens;

namespace WebApp.Cookies;

/// <summary>
/// The two cookies that hold a pair (contract, "Cookies"): their names, their flags, how they are read and written. When they
/// may be written is decided elsewhere.
/// </summary>
internal sealed class SessionCookies(IHostEnvironment environment, TimeProvider time)
{
    private const string Access = "access_token";
    private const string Refresh = "refresh_token";

    /// <summary>Makes a browser refuse the cookie unless it is Secure, host-only and for the whole site (RFC 6265bis, section 4.1.3.2).</summary>
    private const string HostPrefix = "__Host-";

    /// <summary>How many cookies of one name are looked at. A browser sends more than one only after somebody planted some.</summary>
    private const int MaxOfOneName = 4;

    /// <summary>Deepest path whose stray cookies are expired.</summary>
    private const int MaxPathSegments = 8;

    /// <summary>Whether tokens may travel on this request's connection: over HTTPS, or over plain HTTP in Development.</summary>
    public bool MayTravel(HttpRequest request) => request.IsHttps || environment.IsDevelopment();

    /// <summary>The pair as it was presented; of several cookies with one name, the framework's choice.</summary>
    public PresentedCookies Read(HttpRequest request) => MayTravel(request)
        ? new PresentedCookies(request.Cookies[Name(request, Access)], request.Cookies[Name(request, Refresh)])
        : default;

    /// <summary>Every access cookie and every refresh cookie that was presented (scenario 11).</summary>
    public (IReadOnlyList<string> Access, IReadOnlyList<string> Refresh) ReadAll(HttpRequest request) => MayTravel(request)
        ? (ReadAll(request, Access), ReadAll(request, Refresh))
        : ([], []);

    /// <summary>Sets both cookies, and keeps the response out of every cache.</summary>
    /// <param name="context">Whose response.</param>
    /// <param name="pair">What to set.</param>
    /// <param name="path">What was asked for. An error page that took over has another path.</param>
    public void Write(HttpContext context, TokenPair pair, PathString path)
    {
        TimeSpan? maxAge = pair.Grant.Persistent ? pair.Grant.ExpiresAt - time.GetUtcNow() : null;
        Append(context, Access, pair.AccessToken, maxAge);
        Append(context, Refresh, pair.RefreshToken, maxAge);
        ExpireStrays(context, path);
        context.Response.Headers.CacheControl = CacheControlHeaderValue.NoStoreString;
    }

    /// <summary>Deletes both cookies. Nothing but signing out does this: a late deletion would wipe a newer sign-in.</summary>
    public static void Clear(HttpContext context, PathString path)
    {
        Append(context, Access, "", TimeSpan.Zero);
        Append(context, Refresh, "", TimeSpan.Zero);
        ExpireStrays(context, path);
        context.Response.Headers.CacheControl = CacheControlHeaderValue.NoStoreString;
    }

    private static string Name(HttpRequest request, string name) => request.IsHttps ? HostPrefix + name : name;

    private static List<string> ReadAll(HttpRequest request, string name)
    {
        var wanted = Name(request, name);
        return CookieHeaderValue.TryParseList([.. request.Headers.Cookie.OfType<string>()], out var cookies)
            ? [.. cookies.Where(cookie => cookie.Name == wanted).Take(MaxOfOneName).Select(cookie => Uri.UnescapeDataString(cookie.Value.ToString()))]
            : [];
    }

    /// <summary>
    /// The life is told as <c>Max-Age</c> alone: an <c>Expires</c> would be judged by the browser's clock (scenario 30).
    /// </summary>
    private static void Append(HttpContext context, string name, string value, TimeSpan? maxAge, string path = "/") =>
        context.Response.Cookies.Append(Name(context.Request, name), value, new CookieOptions
        {
            HttpOnly = true,
            Secure = context.Request.IsHttps,
            SameSite = Microsoft.AspNetCore.Http.SameSiteMode.Lax,
            Path = path,
            MaxAge = maxAge,
        });

    /// <summary>
    /// Expires a second cookie of either name at the paths above the page, where one was presented. The host prefix makes such
    /// cookies impossible over HTTPS.
    /// </summary>
    private static void ExpireStrays(HttpContext context, PathString page)
    {
        if (context.Request.IsHttps)
        {
            return;
        }

        // As the browser wrote it: it compares paths so, and a header holds nothing else. A cookie's path ends at a semicolon
        // (RFC 6265, section 4.1.1), and an attribute would begin there.
        var segments = new StringTokenizer(page.ToUriComponent().Trim('/'), ['/'])
            .Take(MaxPathSegments)
            .TakeWhile(segment => segment.IndexOf(';') < 0)
            .ToList();
        foreach (var name in new[] { Access, Refresh }.Where(name => ReadAll(context.Request, name).Count > 1))
        {
            var path = "";
            foreach (var segment in segments)
            {
                path += "/" + segment.Value;
                Append(context, name, "", TimeSpan.Zero, path);
            }
        }
    }
}

/// <summary>The two cookies of one request, unread. Secrets: never logged.</summary>
internal readonly struct PresentedCookies(string? access, string? refresh)
{
    public string? Access { get; } = access;

    public string? Refresh { get; } = refresh;
}
