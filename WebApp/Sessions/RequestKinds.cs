using System.Net.Http.Headers;
using WebApp.Storage;
using MediaTypeHeaderValue = Microsoft.Net.Http.Headers.MediaTypeHeaderValue;

namespace WebApp.Sessions;

/// <summary>Tells apart who is asking, because a person is answered with pages and a program with status codes.</summary>
internal static class RequestKinds
{
    private const string Api = "/api";
    private const string Proxy = "/proxy";

    /// <summary>
    /// A program: anything below <c>/api</c> or <c>/proxy</c>, a <c>fetch</c> or XHR, or whoever asks for JSON and not for HTML. Browsers say
    /// which by <c>Sec-Fetch-Mode</c> (Fetch Metadata); where none is sent, the other headers decide.
    /// </summary>
    public static bool IsProgram(this HttpRequest request)
    {
        if (request.Path.StartsWithSegments(Api, StringComparison.OrdinalIgnoreCase)
            || request.Path.StartsWithSegments(Proxy, StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        var mode = request.Headers["Sec-Fetch-Mode"].ToString();
        if (mode.Length > 0)
        {
            return mode != "navigate";
        }

        return request.Headers.XRequestedWith.Count > 0 || (Accepts(request, "json") && !Accepts(request, "html"));
    }

    /// <summary>A browser fetching a page that nobody may ever look at.</summary>
    public static bool IsPrefetch(this HttpRequest request) =>
        request.Headers["Sec-Purpose"].ToString().Contains("prefetch", StringComparison.OrdinalIgnoreCase)
        || request.Headers["Purpose"].ToString().Contains("prefetch", StringComparison.OrdinalIgnoreCase);

    /// <summary>A browser says that a page of this very site sends the request (Fetch Metadata). No page can set the header itself.</summary>
    public static bool IsSameOrigin(this HttpRequest request) => request.Headers["Sec-Fetch-Site"] == "same-origin";

    /// <summary>Whether the request only reads, so that answering it as nobody does no harm (RFC 9110, section 9.2.1).</summary>
    public static bool IsSafe(this HttpRequest request) =>
        HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);

    /// <summary>
    /// The token in the Authorization header (RFC 6750, section 2.1), below <c>/api</c> alone: pages know a person by cookies.
    /// </summary>
    public static string? Bearer(this HttpRequest request) =>
        request.Path.StartsWithSegments(Api, StringComparison.OrdinalIgnoreCase)
        && AuthenticationHeaderValue.TryParse(request.Headers.Authorization, out var credentials)
        && credentials.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase)
            ? credentials.Parameter ?? ""
            : null;

    /// <summary>The device that the request comes from.</summary>
    public static ClientInfo Client(this HttpRequest request) => ClientInfo.Of(
        request.Headers.UserAgent.ToString(), request.HttpContext.Connection.RemoteIpAddress?.ToString());

    private static bool Accepts(HttpRequest request, string subType) =>
        MediaTypeHeaderValue.TryParseList([.. request.Headers.Accept.OfType<string>()], out var types)
        && types.Any(type => type.SubType.Value?.Contains(subType, StringComparison.OrdinalIgnoreCase) == true);
}
