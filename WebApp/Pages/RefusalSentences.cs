using WebApp.Tokens;

namespace WebApp.Pages;

/// <summary>What the login page says of a session that is over: one calm sentence a reason.</summary>
internal static class RefusalSentences
{
    public static string Sentence(this RefusalReason reason) => reason switch
    {
        RefusalReason.Invalid => "We could not read your earlier sign-in, so please sign in again.",
        RefusalReason.Expired => "You were away for a while and your session ended; please sign in again.",
        RefusalReason.Revoked => "Your session was ended, here or from another device; please sign in again.",
        RefusalReason.Reuse => "A copy of an old sign-in turned up, so we ended the session to keep your account safe; please sign in again.",
        RefusalReason.AccountChanged => "Your account or its password has changed since you signed in; please sign in again.",
        RefusalReason.UpstreamRefused => "The server that knows your account has ended your session; please sign in again.",
    };
}
