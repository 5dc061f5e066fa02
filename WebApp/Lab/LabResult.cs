using System.Text.Json.Serialization;

namespace WebApp.Lab;

/// <summary>What came back for a request.</summary>
internal enum LabOutcome
{
    /// <summary>It moved the session to its next generation.</summary>
    Rotated,

    /// <summary>Another one had; it got the same successor.</summary>
    Replayed,

    /// <summary>Its access token was in force.</summary>
    Valid,

    /// <summary>It was sent to sign in.</summary>
    Refused,

    /// <summary>Nothing was decided: it may try again.</summary>
    Unavailable,

    /// <summary>Nothing came, or nothing that the lab understands.</summary>
    Failed,
}

/// <summary>One request and its answer.</summary>
/// <param name="Number">From 0, in the order of asking.</param>
/// <param name="Tab">From 0.</param>
/// <param name="Node">From 0.</param>
/// <param name="Began">Milliseconds after the storm began.</param>
/// <param name="Ended">The same of its answer.</param>
/// <param name="Status">HTTP's; 0 for none.</param>
/// <param name="Reason">Why, if refused: a name that programs are told.</param>
/// <param name="Generation">Of the pair that the answer sets; null if it sets none.</param>
/// <param name="Refresh">Milliseconds that the site says the refresh took this request.</param>
/// <param name="Lost">Whether the answer was thrown away: the browser never saw it.</param>
internal sealed record LabAnswer(
    int Number, int Tab, int Node, double Began, double Ended, int Status, LabOutcome Outcome,
    string? Reason = null, int? Generation = null, double Refresh = 0, bool Lost = false)
{
    [JsonIgnore]
    public double Wait => Ended - Began;
}

/// <summary>What came of a storm.</summary>
/// <param name="Storm">In the order of asking.</param>
/// <param name="Reloads">What each tab got when it was reloaded afterwards, with what the browser held then.</param>
/// <param name="Rotations">How often the storm moved the session, as its row says.</param>
internal sealed record LabResult(IReadOnlyList<LabAnswer> Storm, IReadOnlyList<LabAnswer> Reloads, int Rotations)
{
    /// <summary>In how many tabs the person has to sign in again.</summary>
    [JsonIgnore]
    public int SignedOutTabs => Reloads.Count(answer => answer.Outcome == LabOutcome.Refused);

    [JsonIgnore]
    public int LostAnswers => Storm.Count(answer => answer.Lost);

    [JsonIgnore]
    public double LongestWait => Storm.Max(answer => answer.Wait);

    [JsonIgnore]
    public double MedianWait => Storm.Select(answer => answer.Wait).Order().ElementAt(Storm.Count / 2);

    public int Count(LabOutcome outcome) => Storm.Count(answer => answer.Outcome == outcome);
}

internal enum LabStatus
{
    Running,
    Done,

    /// <summary>It broke off; the log says why.</summary>
    Failed,
}

/// <summary>One run as it stands: what is kept of it, and shown.</summary>
/// <param name="Done">How many of <see cref="LabPlan.Total"/> have been answered.</param>
/// <param name="Result">Once it is done.</param>
internal sealed record LabRun(Guid Id, LabPlan Plan, LabStatus Status = LabStatus.Running, int Done = 0, LabResult? Result = null);
