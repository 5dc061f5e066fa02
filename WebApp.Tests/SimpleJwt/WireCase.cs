namespace WebApp.Tests.SimpleJwt;

/// <summary>
/// A request of Simple JWT's wire contract. In its headers and body stand names such as <c>{refresh}</c>; whoever is asked says
/// what they are with it (<see cref="IWireTarget"/>).
/// </summary>
internal sealed record WireCase(string Name, HttpMethod Method, string Path)
{
    private const string JsonType = "application/json";

    /// <summary>Null sends none.</summary>
    public string? Body { get; init; }

    /// <summary>Null sends none.</summary>
    public string? ContentType { get; init; }

    public string? Authorization { get; init; }

    public string? Accept { get; init; }

    /// <summary>Why this site may answer otherwise than Simple JWT, in one sentence; null if it may not.</summary>
    public string? Difference { get; init; }

    public static WireCase Get(string name, string path, string? authorization = null) =>
        new(name, HttpMethod.Get, path) { Authorization = authorization };

    public static WireCase Post(string name, string path, string? body, string? type = JsonType) =>
        new(name, HttpMethod.Post, path) { Body = body, ContentType = body is null ? null : type };

    public override string ToString() => Name;
}
