using System.Globalization;

namespace WebApp.Tokens;

/// <summary>
/// The stretch of time that a signing key is made for. Periods are numbered from 1970, so that all nodes count alike, and the
/// number is part of the key's name: the primary key of the table settles who makes it.
/// </summary>
internal readonly record struct SigningPeriod(int Number)
{
    /// <summary>
    /// Thirty days: a key that leaked unnoticed is of no use to anybody a month later, and a client of the key set that cannot
    /// cope with a new key finds out while somebody still remembers having written it.
    /// </summary>
    public static readonly TimeSpan Length = TimeSpan.FromDays(30);

    public static SigningPeriod At(DateTimeOffset time) => new((int)((time - DateTimeOffset.UnixEpoch).Ticks / Length.Ticks));

    /// <summary>The period in a key's name; null for a name from before there were periods.</summary>
    public static SigningPeriod? Of(string keyId, string algorithm) =>
        keyId.StartsWith(algorithm + "-", StringComparison.Ordinal)
        && int.TryParse(keyId.AsSpan(algorithm.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? new SigningPeriod(number)
            : null;

    /// <summary>The <c>kid</c> of the period's key, such as <c>ES256-730</c>.</summary>
    public string KeyId(string algorithm) => string.Create(CultureInfo.InvariantCulture, $"{algorithm}-{Number}");
}
