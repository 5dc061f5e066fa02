using System.Net;
using System.Text.Json;

namespace WebApp.Upstream.SimpleJwt;

/// <summary>How a reply of Simple JWT is meant.</summary>
internal enum SimpleJwtReplyKind
{
    Granted,
    Refused,
    Unavailable,
}

/// <summary>
/// One reply, and what it means. A refusal is believed only in Simple JWT's own words: a proxy, a sign-in page or a broken server
/// in between says 401 too.
/// </summary>
internal sealed class SimpleJwtReply
{
    private readonly JsonElement body;

    private SimpleJwtReply(SimpleJwtReplyKind kind, JsonElement body = default)
    {
        Kind = kind;
        this.body = body;
    }

    public static SimpleJwtReply Unavailable { get; } = new(SimpleJwtReplyKind.Unavailable);

    public SimpleJwtReplyKind Kind { get; }

    public static SimpleJwtReply Of(HttpStatusCode status, string text)
    {
        try
        {
            return Read(status, text);
        }
        catch (Exception nonsense) when (nonsense is JsonException or InvalidOperationException)
        {
            return Unavailable;
        }
    }

    public string? Text(string name)
    {
        try
        {
            return body.ValueKind == JsonValueKind.Object ? Member(body, name) : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Throws for what is no JSON, and for half of a character, which JSON may hold and a text may not.</summary>
    private static SimpleJwtReply Read(HttpStatusCode status, string text)
    {
        var body = JsonElement.Parse(text);
        if (body.ValueKind != JsonValueKind.Object)
        {
            return Unavailable;
        }

        return status switch
        {
            HttpStatusCode.OK => new SimpleJwtReply(SimpleJwtReplyKind.Granted, body),
            HttpStatusCode.Unauthorized when IsRefusal(body) => new SimpleJwtReply(SimpleJwtReplyKind.Refused),

            // A name or a password that it cannot take. A complaint about a token must be token_not_valid: what it did not get on
            // the way is not refused.
            HttpStatusCode.BadRequest when IsRefusal(body) || NamesCredentials(body) => new SimpleJwtReply(SimpleJwtReplyKind.Refused),
            _ => Unavailable,
        };
    }

    private static bool IsRefusal(JsonElement body) =>
        Member(body, "code") is "token_not_valid" or "no_active_account"
        || Member(body, "detail")?.StartsWith("No active account found", StringComparison.Ordinal) == true;

    private static bool NamesCredentials(JsonElement body) =>
        body.EnumerateObject().Any(member =>
            member.Name is "username" or "password" && member.Value.ValueKind == JsonValueKind.Array);

    private static string? Member(JsonElement body, string name) =>
        body.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
