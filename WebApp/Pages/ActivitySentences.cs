using Microsoft.Extensions.Localization;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Pages;

/// <summary>What happened to an account, each in a sentence for its owner.</summary>
internal static class ActivitySentences
{
    private static readonly Dictionary<string, string> Keys = new()
    {
        [SecurityEventKinds.SignedIn] = "Activity.SignedIn",
        [SecurityEventKinds.SignInFailed] = "Activity.SignInFailed",
        [SecurityEventKinds.LockedOut] = "Activity.LockedOut",
        [SecurityEventKinds.TwoStepOn] = "Activity.TwoStepOn",
        [SecurityEventKinds.TwoStepOff] = "Activity.TwoStepOff",
        [SecurityEventKinds.RecoveryCodesMade] = "Activity.RecoveryCodesMade",
        [SecurityEventKinds.RecoveryCodeUsed] = "Activity.RecoveryCodeUsed",
        [SecurityEventKinds.PasskeyAdded] = "Activity.PasskeyAdded",
        [SecurityEventKinds.PasskeyRemoved] = "Activity.PasskeyRemoved",
        [SecurityEventKinds.Replayed] = "Activity.Replayed",
        [SecurityEventKinds.RefreshRefused] = "Activity.RefreshRefused",
        [SecurityEventKinds.Ended] = "Activity.Ended",
        [SecurityEventKinds.OthersEnded] = "Activity.OthersEnded",
        [SecurityEventKinds.EndedByAdministrator] = "Activity.EndedByAdministrator",
        [SecurityEventKinds.PasswordChanged] = "Activity.PasswordChanged",
        [SecurityEventKinds.AccountChanged] = "Activity.AccountChanged",
        [SecurityEventKinds.UpstreamRefused] = "Activity.UpstreamRefused",
        [SecurityEventKinds.Reuse] = "Activity.Reuse",
    };

    public static string Sentence(this SecurityEvent happened, IStringLocalizer<Texts> texts) =>
        Keys.TryGetValue(happened.Kind, out var key) ? texts[key] : texts["Activity.Unknown"];

    /// <summary>Whether the owner should look twice.</summary>
    public static bool IsAlarming(this SecurityEvent happened) =>
        happened.Kind is SecurityEventKinds.LockedOut || happened.Kind == RefusalReason.Reuse.Name();
}
