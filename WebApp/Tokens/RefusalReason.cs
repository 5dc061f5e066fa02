namespace WebApp.Tokens;

/// <summary>Why a session is over. Programs are told in fewer words than people (contract, "Answers to programs").</summary>
internal enum RefusalReason
{
    /// <summary>The tokens are not ours, or not readable.</summary>
    Invalid,

    /// <summary>The session reached its idle or absolute limit.</summary>
    Expired,

    /// <summary>Somebody ended the session, or it is no longer known.</summary>
    Revoked,

    /// <summary>An administrator ended the session.</summary>
    EndedByAdministrator,

    /// <summary>The password was changed from another session.</summary>
    PasswordChanged,

    /// <summary>A spent refresh token came back after its time: somebody holds a copy.</summary>
    Reuse,

    /// <summary>The account was disabled or deleted, or the way to sign in to it changed.</summary>
    AccountChanged,

    /// <summary>The upstream issuer does not accept the session's tokens any more.</summary>
    UpstreamRefused,
}
