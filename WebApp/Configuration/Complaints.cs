using System.Globalization;
using Microsoft.Extensions.Options;

namespace WebApp.Configuration;

/// <summary>Collects one sentence for each value that breaks its rule: the key, the value and the rule.</summary>
internal sealed class Complaints(string section)
{
    private readonly List<string> sentences = [];

    /// <param name="holds">Whether the rule holds.</param>
    /// <param name="key">The key below the section.</param>
    /// <param name="value">The value as it is configured. Not for secrets.</param>
    /// <param name="rule">What follows "but": "must be longer than zero".</param>
    public void Unless(bool holds, string key, object? value, string rule)
    {
        if (!holds)
        {
            sentences.Add(Sentence($"{section}:{key}", value, rule));
        }
    }

    public ValidateOptionsResult Result() =>
        sentences.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(sentences);

    public static string Sentence(string key, object? value, string rule) =>
        string.Create(CultureInfo.InvariantCulture, $"{key} is '{value}', but {rule}.");
}
