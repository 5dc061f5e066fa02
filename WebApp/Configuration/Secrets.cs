using System.Text.RegularExpressions;

namespace WebApp.Configuration;

/// <summary>Keeps passwords out of the sentences that repeat a configured value.</summary>
internal static partial class Secrets
{
    private const string Mask = "***";

    /// <param name="key">The key, of which the last segment tells whether the whole value is a secret.</param>
    /// <param name="value">The value as it is configured.</param>
    public static string Masked(string key, string value)
    {
        if (value.Length > 0 && SecretKeys().IsMatch(key[(key.LastIndexOf(':') + 1)..]))
        {
            return Mask;
        }

        return Passwords().Replace(UserInfo().Replace(value, $"{Mask}@"), $"$1={Mask}");
    }

    /// <summary>Misspelled ones too: they are the ones that get complained about.</summary>
    [GeneratedRegex("pass?w|pwd|secret|credential|key$", RegexOptions.IgnoreCase)]
    private static partial Regex SecretKeys();

    /// <summary>To the end of the value, because a quoted password may hold a separator.</summary>
    [GeneratedRegex(@"(\w*pass?w\w*|pwd|psw)\s*=.*", RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex Passwords();

    [GeneratedRegex("(?<=://).*@", RegexOptions.Singleline)]
    private static partial Regex UserInfo();
}
