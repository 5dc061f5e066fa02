namespace WebApp.Tokens;

/// <summary>A token to call an API with, a reason why the session has none, or neither: nobody can tell for now.</summary>
internal sealed record ApiToken(string? Token, RefusalReason? Refusal)
{
    public static ApiToken Unavailable { get; } = new(null, null);

    public static ApiToken Of(string token) => new(token, null);

    public static ApiToken Refused(RefusalReason reason) => new(null, reason);

    /// <summary>Shows no token.</summary>
    public override string ToString() => Token is null ? $"no API token: {Refusal?.Name() ?? "unavailable"}" : "an API token";
}
