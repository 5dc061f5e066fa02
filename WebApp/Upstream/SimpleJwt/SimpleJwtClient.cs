using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Polly;
using Polly.Timeout;

namespace WebApp.Upstream.SimpleJwt;

/// <summary>Asks the server what may be asked again: its HTTP client retries what failed on the way.</summary>
internal class SimpleJwtClient(HttpClient http)
{
    /// <summary>Never throws for a server that is away or talks nonsense; throws when the caller has given up.</summary>
    public async Task<SimpleJwtReply> PostAsync(string path, Dictionary<string, string> fields, CancellationToken cancellation)
    {
        try
        {
            // With a length: Django sees nothing of a body that comes in chunks.
            using var body = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(fields));
            body.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using var response = await http.PostAsync(path, body, cancellation);

            // JSON is UTF-8 (RFC 8259, section 8.1). To read a text is to throw for a charset that nobody knows.
            var reply = Encoding.UTF8.GetString(await response.Content.ReadAsByteArrayAsync(cancellation));
            return SimpleJwtReply.Of(response.StatusCode, reply);
        }
        catch (Exception away) when (away is HttpRequestException or ExecutionRejectedException or TimeoutRejectedException
            || (away is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return SimpleJwtReply.Unavailable;
        }
    }
}

/// <summary>Asks for what can be had once. Its HTTP client tries again only if there was nobody to ask.</summary>
internal sealed class SimpleJwtSpendClient(HttpClient http) : SimpleJwtClient(http);
