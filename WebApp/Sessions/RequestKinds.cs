using Microsoft.Net.Http.Headers;

namespace WebApp.Sessions;

/// <summary>Tells apart who is asking, because a person is answered with pages and a program with status codes.</summary>
internal static class RequestKinds
{
    /// <summary>
    /// A program: anything below <c>/api</c>, a <c>fetch</c> or XHR, or whoever asks for JSON and not for HTML. Browsers say
    /// which by <c>Sec-Fetch-Mode</c> (Fetch Metadata); where none is sent, the other headers decide.
    /// </summary>
    public static bool IsProgram(this HttpRequest request)
    {
        if (request.Path.StartsWithSegments("/api", StringComparison.OrdinalIgnoreCase))
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

    /// <summary>Whether the request only reads, so that answering it as nobody does no harm (RFC 9110, section 9.2.1).</summary>
    public static bool IsSafe(this HttpRequest request) =>
        HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);

    private static bool Accepts(HttpRequest request, string subType) =>
        MediaTypeHeaderValue.TryParseList([.. request.Headers.Accept.OfType<string>()], out var types)
        && types.Any(type => type.SubType.Value?.Contains(subType, StringComparison.OrdinalIgnoreCase) == true);
}
