using System.Globalization;
using System.Text;

namespace WebApp.Tests.Soak;

/// <summary>What came of a soak, and its table.</summary>
internal sealed record SoakReport(
    SoakPlan Plan,
    int Requests,
    int Rotations,
    int Replays,
    int Unavailable,
    int UnavailableWithoutOutage,
    int Lost,
    int NodeKills,
    int RedisKills,
    int PostgresKills,
    IReadOnlyCollection<string> SignOuts,
    IReadOnlyCollection<string> Forks,
    IReadOnlyCollection<string> EarlyRotations,
    IReadOnlyCollection<string> Errors,
    int LeftBehind)
{
    public override string ToString()
    {
        var table = new StringBuilder();
        table.AppendLine("| what | count |").AppendLine("|---|---|");
        foreach (var (what, count) in (IEnumerable<(string, int)>)[
            ("people", Plan.People),
            ("requests", Requests),
            ("rotations", Rotations),
            ("replays", Replays),
            ("nodes killed", NodeKills),
            ("Redis killed", RedisKills),
            ("PostgreSQL killed", PostgresKills),
            ("loads aborted, cut off, or without a node", Lost),
            ("503 while PostgreSQL was away", Unavailable - UnavailableWithoutOutage),
            ("503 otherwise", UnavailableWithoutOutage),
            ("other errors", Errors.Count),
            ("sign-outs", SignOuts.Count),
            ("forks", Forks.Count),
            ("rotations before an expiry", EarlyRotations.Count),
            ("people left behind", LeftBehind),
        ])
        {
            table.AppendLine(CultureInfo.InvariantCulture, $"| {what} | {count:N0} |");
        }

        foreach (var wrong in (string[])[.. SignOuts, .. Forks, .. EarlyRotations, .. Errors])
        {
            table.AppendLine(wrong);
        }

        return table.ToString();
    }
}
