using System.Globalization;
using Microsoft.Extensions.Options;

namespace WebApp.Configuration;

/// <summary>Collects one sentence for each value that breaks its rule: the key, the value and the rule.</summary>
internal sealed class Complaints(string section)
{
    private readonly List<string> sentences = [];

    /// <summary>Whether every rule held so far. Rules between values are worth asking only of values that are sound alone.</summary>
    public bool None => sentences.Count == 0;

    /// <param name="holds">Whether the rule holds.</param>
    /// <param name="key">The key below the section.</param>
    /// <param name="value">The value as it is configured.</param>
    /// <param name="rule">What follows "but": "must be longer than zero".</param>
    public void Unless(bool holds, string key, object? value, string rule)
    {
        if (!holds)
        {
            sentences.Add(Sentence($"{section}:{key}", value, rule));
        }
    }

    public ValidateOptionsResult Result() => None ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(sentences);

    /// <summary>A secret is not repeated.</summary>
    public static string Sentence(string key, object? value, string rule)
    {
        var text = Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
        return $"{key} is '{Secrets.Masked(key, text)}', but {rule.TrimEnd('.')}.";
    }
}
