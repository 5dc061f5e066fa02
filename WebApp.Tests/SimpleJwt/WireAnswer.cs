using System.Net;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace WebApp.Tests.SimpleJwt;

/// <summary>What came back, as far as a program can depend on it.</summary>
/// <param name="Status">The status code.</param>
/// <param name="Headers">The headers of interest that are there.</param>
/// <param name="Body">The parsed body, with a word in place of each token; null if it is empty.</param>
internal sealed record WireAnswer(int Status, IReadOnlyDictionary<string, string> Headers, JsonNode? Body)
{
    private static readonly string[] OfInterest = ["Content-Type", "WWW-Authenticate", "Allow", "Cache-Control", "Location"];

    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static async Task<WireAnswer> ReadAsync(HttpResponseMessage answer)
    {
        // Django says in every answer what is allowed; it means something to those who asked for it, or for what is not.
        var tellsAllowed = answer.StatusCode is HttpStatusCode.MethodNotAllowed || answer.RequestMessage!.Method == HttpMethod.Options;
        var headers = answer.Headers.Concat(answer.Content.Headers)
            .Where(header => OfInterest.Contains(header.Key, StringComparer.OrdinalIgnoreCase))
            .Where(header => header.Key != "Allow" || tellsAllowed)
            .ToDictionary(header => header.Key, header => string.Join(", ", header.Value), StringComparer.OrdinalIgnoreCase);
        var text = await answer.Content.ReadAsStringAsync();
        return new WireAnswer((int)answer.StatusCode, headers, text.Length == 0 ? null : Parse(text));
    }

    /// <summary>What is not the same in the other, a line each.</summary>
    public IEnumerable<string> DifferencesTo(WireAnswer other)
    {
        if (Status != other.Status)
        {
            yield return $"status: {Status}, {other.Status}";
        }

        if (!JsonNode.DeepEquals(Body, other.Body))
        {
            yield return $"body: {Text(Body)}, {Text(other.Body)}";
        }

        foreach (var name in OfInterest.Where(name => Headers.GetValueOrDefault(name) != other.Headers.GetValueOrDefault(name)))
        {
            yield return $"{name}: {Headers.GetValueOrDefault(name, "-")}, {other.Headers.GetValueOrDefault(name, "-")}";
        }
    }

    /// <summary>For a table; the usual content type is not worth a word.</summary>
    public override string ToString()
    {
        var headers = Headers.Where(header => header is not { Key: "Content-Type", Value: "application/json" });
        return $"{Status} | `{Text(Body)}` | {string.Join("<br>", headers.Select(header => $"{header.Key}: {header.Value}"))}";
    }

    private static string Text(JsonNode? body) => body?.ToJsonString(Readable) ?? "";

    /// <summary>What is no JSON is one string.</summary>
    private static JsonNode? Parse(string text)
    {
        try
        {
            var body = JsonNode.Parse(text);
            foreach (var name in (body as JsonObject)?.Select(each => each.Key).Where(IsToken).ToList() ?? [])
            {
                if (body![name]!.GetValueKind() == JsonValueKind.String)
                {
                    body[name] = "(token)";
                }
            }

            return body;
        }
        catch (JsonException)
        {
            return JsonValue.Create(text);
        }
    }

    private static bool IsToken(string name) => name is "access" or "refresh";
}
