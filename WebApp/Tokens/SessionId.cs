namespace WebApp.Tokens;

/// <summary>Names one session: everything that began at one sign-in on one device.</summary>
internal readonly record struct SessionId(Guid Value)
{
    public static SessionId New() => new(Guid.NewGuid());

    public static bool TryParse(string? text, out SessionId id)
    {
        var parsed = Guid.TryParseExact(text, "N", out var value);
        id = new SessionId(value);
        return parsed;
    }

    public override string ToString() => Value.ToString("N");
}
