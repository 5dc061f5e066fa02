using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;

namespace WebApp.Sessions;

/// <summary>A posted form as it arrived.</summary>
/// <param name="Target">Path and query of the page it was sent to.</param>
/// <param name="ContentType">URL-encoded, or multipart with its boundary.</param>
/// <param name="Body">Byte for byte.</param>
internal sealed record FormContent(string Target, string ContentType, byte[] Body)
{
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this);

    public static FormContent? Parse(byte[] bytes)
    {
        try
        {
            return JsonSerializer.Deserialize<FormContent>(bytes);
        }
        catch (JsonException)
        {
            // Kept by another version of the site.
            return null;
        }
    }

    /// <summary>What is in it, for its sender's eyes. Nothing, if it is no form that anybody could read.</summary>
    public async Task<IFormCollection> ReadAsync(CancellationToken cancellation)
    {
        var request = new DefaultHttpContext().Request;
        Replace(request);
        return await TryReadAsync(request, cancellation) ?? FormCollection.Empty;
    }

    /// <summary>The form of a request; null if it is broken, or has more fields than any page takes.</summary>
    public static async Task<IFormCollection?> TryReadAsync(HttpRequest request, CancellationToken cancellation)
    {
        try
        {
            return await request.ReadFormAsync(cancellation);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    /// <summary>Makes it the body of a request, in place of the one that it came with.</summary>
    public void Replace(HttpRequest request)
    {
        request.ContentType = ContentType;
        request.ContentLength = Body.Length;
        request.Body = new MemoryStream(Body, writable: false);
        request.HttpContext.Features.Set<IFormFeature>(new FormFeature(request));
    }
}
