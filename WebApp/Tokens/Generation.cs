using System.Globalization;

namespace WebApp.Tokens;

/// <summary>
/// How often a session has been refreshed. A rotation moves it from g to g + 1; a refresh token of generation g is then spent.
/// </summary>
internal readonly record struct Generation(int Value)
{
    /// <summary>What signing in issues.</summary>
    public static Generation First => new(0);

    public Generation Next => new(checked(Value + 1));

    public static bool TryParse(string? text, out Generation generation)
    {
        var parsed = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value < int.MaxValue;
        generation = new Generation(value);
        return parsed;
    }

    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
