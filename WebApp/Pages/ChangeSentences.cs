using Microsoft.Extensions.Localization;
using WebApp.Accounts;

namespace WebApp.Pages;

/// <summary>What stands in the way of a change of the account, in sentences.</summary>
internal static class ChangeSentences
{
    /// <summary>None if it was changed, or if nobody is there any more to read them.</summary>
    public static IReadOnlyList<string> Sentences(this AccountChangeOutcome outcome, IStringLocalizer<Texts> texts) => outcome.Status switch
    {
        AccountChangeStatus.Changed or AccountChangeStatus.SessionOver => [],
        AccountChangeStatus.WrongPassword => [texts["Password.Wrong"]],
        AccountChangeStatus.WrongCode => [texts["TwoStep.WrongCode"]],
        AccountChangeStatus.Locked => [texts["Password.Locked"]],
        AccountChangeStatus.Rejected => outcome.Problems,
    };
}
