using System.Text.Json.Nodes;

namespace WebApp.Tests.SimpleJwt;

/// <summary>Where this site answers otherwise than Debian's Simple JWT 5.2.2, and why (docs/simple-jwt.md).</summary>
internal static class WireDifferences
{
    private const string AsNumber = "A number is no text; Django REST framework makes one of it.";
    private const string Unknown = "A field that does not exist is a mistake, and is said to be one.";
    private const string Parser = "Each parser finds its own words for what is malformed; the status is the same.";
    private const string Form = "Bodies are JSON alone: a form could be sent by a page of another site.";
    private const string Slash = "Both spellings of a path are answered; Django redirects, and a POST is lost with it.";
    private const string Metadata = "Django REST framework describes the endpoint; here the OpenAPI document does.";
    private const string Survives = "A defect of Simple JWT: an access token survives the end of its session. Here it ends within a second.";
    private const string Me = "The answer of the page itself, which Simple JWT knows nothing of.";
    private const string Behind = "Changed in the database behind the site's back; an account that the site disables loses its sessions, within a second everywhere.";
    private const string Allow = "Whether a method exists is answered before who asks, and OPTIONS is not among those of this endpoint.";

    /// <summary>By the name of the case.</summary>
    public static IReadOnlyDictionary<string, string> Explained { get; } = new Dictionary<string, string>
    {
        ["obtain: user name a number"] = AsNumber,
        ["obtain: password a number"] = AsNumber,
        ["refresh: a number"] = AsNumber,
        ["obtain: password between spaces"] = "A password is taken as it was typed: spaces may be part of it.",
        ["obtain: unknown field"] = Unknown,
        ["refresh: access token besides"] = Unknown,
        ["obtain: field twice, the last one right"] = "Of a field that is there twice nobody knows which is meant: it is refused.",
        ["obtain: malformed JSON"] = Parser,
        ["refresh: malformed JSON"] = Parser,
        ["obtain: as a form"] = Form,
        ["obtain: as a form, field missing"] = Form,
        ["obtain: as a form of parts"] = Form,
        ["refresh: as a form"] = Form,
        ["obtain: for somebody who reads HTML alone"] = "Tokens are JSON whatever was asked for; nobody who posts credentials is turned away for an Accept header.",
        ["obtain: without the last slash"] = Slash,
        ["refresh: without the last slash"] = Slash,
        ["me: without the last slash"] = Slash,
        ["obtain: OPTIONS"] = Metadata,
        ["refresh: OPTIONS"] = Metadata,
        ["me: OPTIONS"] = Metadata,
        ["me: OPTIONS, no header"] = Metadata,
        ["refresh: of somebody inactive since"] = "A defect of 5.2.2, which does not look at the account; 5.5 does, and so does this site.",
        ["refresh: of somebody deleted since"] = "A defect of 5.2.2, which does not look at the account; 5.5 does, and so does this site.",
        ["verify: access token of a blacklisted session"] = Survives,
        ["me: of a blacklisted session"] = Survives,
        ["me: ok"] = Me,
        ["me: two spaces"] = Me,
        ["me: bearer in small letters"] = "A scheme is told from another without regard to case (RFC 9110, section 11.1).",
        ["me: of somebody inactive since"] = Behind,
        ["me: of somebody deleted since"] = Behind,
        ["me: POST"] = Allow,
        ["me: POST, no header"] = Allow,
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
