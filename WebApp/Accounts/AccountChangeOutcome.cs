using Microsoft.AspNetCore.Identity;

namespace WebApp.Accounts;

/// <summary>What came of asking for a change.</summary>
internal enum AccountChangeStatus
{
    Changed,

    /// <summary>The current password is another one.</summary>
    WrongPassword,

    /// <summary>The code of the authenticator app is wrong, or was used before.</summary>
    WrongCode,

    /// <summary>Too many wrong passwords or codes, here or at signing in.</summary>
    Locked,

    /// <summary>The change breaks a rule, or the account was changed elsewhere in the same moment.</summary>
    Rejected,

    /// <summary>The session that asked, or its account, has ended meanwhile.</summary>
    SessionOver,
}

/// <summary>A status and what goes with it.</summary>
/// <param name="Ended">How many other sessions were ended, if changed.</param>
/// <param name="Problems">Sentences, if rejected.</param>
internal sealed record AccountChangeOutcome(AccountChangeStatus Status, int Ended, IReadOnlyList<string> Problems)
{
    public static AccountChangeOutcome WrongPassword { get; } = new(AccountChangeStatus.WrongPassword, 0, []);

    public static AccountChangeOutcome WrongCode { get; } = new(AccountChangeStatus.WrongCode, 0, []);

    public static AccountChangeOutcome Locked { get; } = new(AccountChangeStatus.Locked, 0, []);

    public static AccountChangeOutcome SessionOver { get; } = new(AccountChangeStatus.SessionOver, 0, []);

    public static AccountChangeOutcome Changed(int ended) => new(AccountChangeStatus.Changed, ended, []);

    public static AccountChangeOutcome Rejected(IEnumerable<IdentityError> errors) =>
        new(AccountChangeStatus.Rejected, 0, [.. errors.Select(error => error.Description)]);
}
