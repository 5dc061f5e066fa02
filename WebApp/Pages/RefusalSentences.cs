using WebApp.Tokens;

namespace WebApp.Pages;

/// <summary>What the login page says of a session that is over: one calm sentence a reason.</summary>
internal static class RefusalSentences
{
    /// <summary>The name of the sentence among the <see cref="Texts"/>.</summary>
    public static string Sentence(this RefusalReason reason) => reason switch
    {
        RefusalReason.Invalid => "Refusal.Invalid",
        RefusalReason.Expired => "Refusal.Expired",
        RefusalReason.Revoked => "Refusal.Revoked",
        RefusalReason.EndedByAdministrator => "Refusal.EndedByAdministrator",
        RefusalReason.PasswordChanged => "Refusal.PasswordChanged",
        RefusalReason.Reuse => "Refusal.Reuse",
        RefusalReason.AccountChanged => "Refusal.AccountChanged",
        RefusalReason.UpstreamRefused => "Refusal.UpstreamRefused",
    };
}
