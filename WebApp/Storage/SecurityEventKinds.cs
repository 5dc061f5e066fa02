using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>
/// What is recorded of an account, by its names in the database. A session that was ended over something is recorded by the
/// name of its <see cref="RefusalReason"/>.
/// </summary>
internal static class SecurityEventKinds
{
    public const string SignedIn = "signed_in";

    /// <summary>A wrong password, or a wrong second step.</summary>
    public const string SignInFailed = "sign_in_failed";

    /// <summary>Too many of them: nobody signs in to the account for a few minutes.</summary>
    public const string LockedOut = "locked_out";

    /// <summary>The owner turned two-step verification on.</summary>
    public const string TwoStepOn = "two_step_on";

    public const string TwoStepOff = "two_step_off";

    /// <summary>The owner made new recovery codes; the old ones are worth nothing.</summary>
    public const string RecoveryCodesMade = "recovery_codes_made";

    /// <summary>Somebody signed in with a recovery code in place of the app's.</summary>
    public const string RecoveryCodeUsed = "recovery_code_used";

    public const string PasskeyAdded = "passkey_added";

    public const string PasskeyRemoved = "passkey_removed";

    /// <summary>A spent token got its successor, because the first answer had been lost.</summary>
    public const string Replayed = "replayed";

    /// <summary>A device asked to go on with a session that is over.</summary>
    public const string RefreshRefused = "refresh_refused";

    /// <summary>The owner ended every session but one.</summary>
    public const string OthersEnded = "others_ended";

    /// <summary>The owner ended one session, from another.</summary>
    public static string Ended { get; } = RefusalReason.Revoked.Name();

    public static string PasswordChanged { get; } = RefusalReason.PasswordChanged.Name();

    public static string EndedByAdministrator { get; } = RefusalReason.EndedByAdministrator.Name();

    public static string Reuse { get; } = RefusalReason.Reuse.Name();

    public static string AccountChanged { get; } = RefusalReason.AccountChanged.Name();

    public static string UpstreamRefused { get; } = RefusalReason.UpstreamRefused.Name();
}
