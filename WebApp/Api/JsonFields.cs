using System.Buffers;
using System.Text.Json;
using Microsoft.Net.Http.Headers;

namespace WebApp.Api;

/// <summary>
/// Reads a JSON object of a few texts, each of which must be there, and nothing else. What is wrong is answered in the words of
/// Django REST framework, field by field.
/// </summary>
internal static class JsonFields
{
    /// <summary>Largest body that is read, in bytes. A refresh token has some 400.</summary>
    public const int MaxLength = 16 * 1024;

    private const string Whole = "non_field_errors";

    private static readonly JsonElement Nothing = JsonElement.Parse("{}");

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 8 };

    /// <summary>The values in the order of the names, or the answer that says what is wrong.</summary>
    public static async Task<(string[] Values, IResult? Problem)> ReadAsync(HttpRequest request, params string[] names)
    {
        var read = await request.BodyReader.ReadAtLeastAsync(MaxLength + 1, request.HttpContext.RequestAborted);
        try
        {
            return Read(request.ContentType, read.Buffer, names);
        }
        finally
        {
            request.BodyReader.AdvanceTo(read.Buffer.End);
        }
    }

    private static (string[] Values, IResult? Problem) Read(string? contentType, ReadOnlySequence<byte> bytes, string[] names)
    {
        if (bytes.IsEmpty)
        {
            return Check(Nothing, names);
        }

        if (!IsJson(contentType))
        {
            return ([], Detail(StatusCodes.Status415UnsupportedMediaType, $"Unsupported media type \"{contentType}\" in request."));
        }

        if (bytes.Length > MaxLength)
        {
            return ([], Detail(StatusCodes.Status413PayloadTooLarge, $"The body is larger than {MaxLength} bytes."));
        }

        try
        {
            using var body = JsonDocument.Parse(bytes, Strict);
            return Check(body.RootElement, names);
        }
        catch (JsonException malformed)
        {
            return ([], Detail(StatusCodes.Status400BadRequest, $"JSON parse error - {malformed.Message}"));
        }
    }

    private static (string[] Values, IResult? Problem) Check(JsonElement body, string[] names)
    {
        if (body.ValueKind == JsonValueKind.Null)
        {
            return ([], Problems(new() { [Whole] = ["No data provided"] }));
        }

        if (body.ValueKind != JsonValueKind.Object)
        {
            return ([], Problems(new() { [Whole] = [$"Invalid data. Expected a dictionary, but got {KindOf(body)}."] }));
        }

        var problems = new Dictionary<string, string[]>();
        foreach (var name in names)
        {
            if (ProblemOf(body, name) is { } problem)
            {
                problems[name] = [problem];
            }
        }

        foreach (var unknown in body.EnumerateObject().Where(member => !names.Contains(member.Name)))
        {
            problems[unknown.Name] = ["There is no such field."];
        }

        return problems.Count == 0
            ? ([.. names.Select(name => body.GetProperty(name).GetString()!)], null)
            : ([], Problems(problems));
    }

    private static string? ProblemOf(JsonElement body, string name)
    {
        if (!body.TryGetProperty(name, out var value))
        {
            return "This field is required.";
        }

        return value.ValueKind switch
        {
            JsonValueKind.Null => "This field may not be null.",
            JsonValueKind.String => ProblemOf(value.GetString()!),
            _ => "Not a valid string.",
        };
    }

    private static string? ProblemOf(string text) => text switch
    {
        _ when string.IsNullOrWhiteSpace(text) => "This field may not be blank.",
        _ when text.Contains('\0') => "Null characters are not allowed.",
        _ => null,
    };

    private static bool IsJson(string? contentType) =>
        MediaTypeHeaderValue.TryParse(contentType, out var type)
        && type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
        && (!type.Charset.HasValue || type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase));

    private static string KindOf(JsonElement body) => body.ValueKind switch
    {
        JsonValueKind.Array => "list",
        JsonValueKind.String => "str",
        JsonValueKind.Number => "number",
        _ => "bool",
    };

    private static IResult Problems(Dictionary<string, string[]> problems) => Results.BadRequest(problems);

    private static IResult Detail(int status, string detail) => Results.Json(new { detail }, statusCode: status);
}
