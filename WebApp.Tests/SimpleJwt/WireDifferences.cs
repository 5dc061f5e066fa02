using System.Text.Json.Nodes;

namespace WebApp.Tests.SimpleJwt;

/// <summary>Where this site answers otherwise than Debian's Simple JWT 5.2.2, and why (docs/simple-jwt.md).</summary>
internal static class WireDifferences
{
    /// <summary>By the name of the case.</summary>
    public static IReadOnlyDictionary<string, string> Explained { get; } = new Dictionary<string, string>
    {
    };

    /// <summary>What 5.2.2 says in one sentence, 5.5 says in two; the contract is 5.5's.</summary>
    public static WireAnswer InWordsOfNow(WireAnswer answer) => answer with { Body = Reworded(answer.Body) };

    /// <summary>
    /// Everywhere: a refusal is problem details (RFC 9457) with a reason besides, and an answer about tokens is kept by no cache.
    /// </summary>
    public static WireAnswer WithoutWhatIsAdded(WireAnswer answer)
    {
        var headers = answer.Headers
            .Where(header => header.Key != "Cache-Control")
            .ToDictionary(
                header => header.Key,
                header => header.Key == "Content-Type" && header.Value.StartsWith("application/", StringComparison.Ordinal)
                    ? "application/json"
                    : header.Value);
        var body = answer.Body?.DeepClone();
        if (body is JsonObject members)
        {
            foreach (var added in new[] { "type", "title", "status", "reason", "traceId" })
            {
                members.Remove(added);
            }

            if (members["code"]?.GetValue<string>() == "not_authenticated")
            {
                members.Remove("code");
            }
        }

        return new WireAnswer(answer.Status, headers, Reworded(body));
    }

    private static JsonNode? Reworded(JsonNode? body)
    {
        const string Then = "Token is invalid or expired";
        var text = body?.ToJsonString();
        return text is null
            ? null
            : JsonNode.Parse(text
                .Replace("\"Token is invalid\"", $"\"{Then}\"", StringComparison.Ordinal)
                .Replace("\"Token is expired\"", $"\"{Then}\"", StringComparison.Ordinal));
    }
}
