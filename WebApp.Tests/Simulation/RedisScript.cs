using System.Globalization;

namespace WebApp.Tests.Simulation;

/// <summary>
/// Runs the site's own Lua, line by line. It knows the few forms of lines that the scripts of the lock are made of, and refuses
/// every other.
/// </summary>
internal sealed class RedisScript
{
    private const string Call = "redis.call(";

    private readonly List<(string[] Call, string? Unless, string? Returns)> lines = [];

    public RedisScript(string text)
    {
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            lines.Add(line.Split(' ') switch
            {
                ["return", var value] => ([], null, value),
                ["if", ..] => ParseCondition(line),
                _ when line.StartsWith(Call, StringComparison.Ordinal) && line.EndsWith(')') => (ParseCall(line), null, null),
                _ => throw Unknown(line),
            });
        }
    }

    /// <param name="call">Carries out one command, and gives what it says.</param>
    /// <param name="key"><c>KEYS[1]</c>.</param>
    /// <param name="arguments"><c>ARGV</c>, from 1.</param>
    public long Run(Func<string[], string?> call, string key, params string[] arguments)
    {
        foreach (var (command, unless, returns) in lines)
        {
            var answer = command.Length > 0 ? call([.. command.Select(Value)]) : null;
            if (returns is not null && (unless is null || answer != Value(unless)))
            {
                return long.Parse(returns, CultureInfo.InvariantCulture);
            }
        }

        throw new InvalidOperationException("The script returns nothing.");

        string Value(string word) => word switch
        {
            "KEYS[1]" => key,
            ['A', 'R', 'G', 'V', '[', var index, ']'] => arguments[index - '1'],
            ['\'', .. var literal, '\''] => literal,
            _ => throw Unknown(word),
        };
    }

    /// <summary><c>if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end</c></summary>
    private static (string[] Call, string? Unless, string? Returns) ParseCondition(string line)
    {
        var parts = line.Split(" ~= ");
        return parts is [var left, var right] && right.Split(' ') is [var unless, "then", "return", var value, "end"]
            ? (ParseCall(left["if ".Length..]), unless, value)
            : throw Unknown(line);
    }

    private static string[] ParseCall(string call) => call[Call.Length..^1].Split(", ");

    private static NotSupportedException Unknown(string line) => new($"The simulated Redis does not know: {line}");
}
