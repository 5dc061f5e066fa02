using WebApp.Lab;

namespace WebApp.Pages.Lab;

/// <summary>The names of the texts about strategies and outcomes, and the marks that stand for outcomes in the picture.</summary>
internal static class LabSentences
{
    public static string Title(this LabStrategy strategy) => strategy switch
    {
        LabStrategy.Site => "Lab.Site",
        LabStrategy.Reload => "Lab.Reload",
        LabStrategy.Rotate => "Lab.Rotate",
        LabStrategy.Lock => "Lab.Lock",
    };

    public static string Explanation(this LabStrategy strategy) => strategy switch
    {
        LabStrategy.Site => "Lab.SiteHint",
        LabStrategy.Reload => "Lab.ReloadHint",
        LabStrategy.Rotate => "Lab.RotateHint",
        LabStrategy.Lock => "Lab.LockHint",
    };

    public static string Words(this LabOutcome outcome) => outcome switch
    {
        LabOutcome.Rotated => "Lab.Rotated",
        LabOutcome.Replayed => "Lab.Replayed",
        LabOutcome.Valid => "Lab.Valid",
        LabOutcome.Refused => "Lab.Refused",
        LabOutcome.Unavailable => "Lab.Unavailable",
        LabOutcome.Failed => "Lab.Failed",
    };

    /// <summary>A class of the style sheet, and a symbol of the picture.</summary>
    public static string Mark(this LabOutcome outcome) => outcome switch
    {
        LabOutcome.Rotated => "rotated",
        LabOutcome.Replayed => "replayed",
        LabOutcome.Valid => "valid",
        LabOutcome.Refused => "refused",
        LabOutcome.Unavailable => "unavailable",
        LabOutcome.Failed => "failed",
    };

    /// <summary>The address of the form that this plan fills in.</summary>
    public static Dictionary<string, string> Route(this LabPlan plan) => new()
    {
        ["strategy"] = $"{plan.Strategy}",
        ["requests"] = $"{plan.Requests}",
        ["tabs"] = $"{plan.Tabs}",
        ["lost"] = $"{plan.Lost}",
        ["nodes"] = $"{plan.Nodes}",
        ["seed"] = $"{plan.Seed}",
    };
}
