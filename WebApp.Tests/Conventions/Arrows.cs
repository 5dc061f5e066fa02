namespace WebApp.Tests.Conventions;

/// <summary>Which rooms of the site a room may use: never back along the way of a request.</summary>
internal static class Arrows
{
    private static readonly string[] Leaves = ["Configuration", "Telemetry"];

    public static IReadOnlyDictionary<string, string[]> From { get; } = new Dictionary<string, string[]>
    {
        ["Pages"] = ["Accounts", "Lab", "Sessions", "Storage", "Tokens", .. Leaves],
        ["Lab"] = ["Sessions", "Coordination", "Locking", "Storage", "Tokens", .. Leaves],
        ["Api"] = ["Accounts", "Coordination", "Cookies", "Sessions", "Storage", "Tokens", .. Leaves],
        ["Accounts"] = ["Coordination", "Storage", "Upstream", "Tokens", .. Leaves],
        ["Sessions"] = ["Coordination", "Cookies", "Storage", "Tokens", .. Leaves],
        ["Coordination"] = ["Locking", "Storage", "Upstream", "Tokens", .. Leaves],
        ["Upstream"] = ["Tokens", .. Leaves],
        ["Cookies"] = ["Tokens", .. Leaves],
        ["Storage"] = ["Tokens", .. Leaves],
        ["Locking"] = ["Tokens", .. Leaves],
        ["Tokens"] = ["Configuration"],
        ["Telemetry"] = [],
        ["Configuration"] = [],
    };
}
