using Microsoft.AspNetCore.Identity;
using WebApp.Storage;
using WebApp.Telemetry;

namespace WebApp.Accounts;

/// <summary>What somebody brings as the second step.</summary>
internal enum SecondStepKind
{
    AuthenticatorCode,
    RecoveryCode,
}

/// <summary>The second step of signing in, after the password.</summary>
internal sealed partial class SecondStep(
    UserManager<Account> users,
    AuthenticatorCodes codes,
    FailedAttempts failures,
    SecurityEvents events,
    ILogger<SecondStep> logger)
{
    /// <summary>Throws when the database is away; a recovery code may then be spent.</summary>
    public async Task<SecondStepOutcome> CheckAsync(FirstStep first, SecondStepKind kind, string code, ClientInfo client)
    {
        if (await users.FindByIdAsync(first.User.Value) is not { Disabled: false, TwoFactorEnabled: true } account
            || account.SecurityStamp != first.SecurityStamp)
        {
            Refused(logger, "the account has changed since the first step");
            return SecondStepOutcome.Over;
        }

        if (await users.IsLockedOutAsync(account))
        {
            Refused(logger, "locked out");
            return SecondStepOutcome.Wrong;
        }

        if (!await IsGoodAsync(account, kind, code))
        {
            await failures.CountAsync(first.User, client);
            Refused(logger, "wrong second step");
            return SecondStepOutcome.Wrong;
        }

        if (kind == SecondStepKind.RecoveryCode)
        {
            events.Queue(SecurityEventKinds.RecoveryCodeUsed, first.User, client);
        }

        await users.ResetAccessFailedCountAsync(account);
        return SecondStepOutcome.Proved(new AccountProof(first.User, first.SecurityStamp));
    }

    /// <summary>Of two who bring one recovery code, Identity's concurrency stamp refuses the second.</summary>
    private async Task<bool> IsGoodAsync(Account account, SecondStepKind kind, string code) => kind switch
    {
        SecondStepKind.AuthenticatorCode => await codes.TryTakeAsync(account, code),
        SecondStepKind.RecoveryCode =>
            (await users.RedeemTwoFactorRecoveryCodeAsync(account, code.Trim().ToUpperInvariant())).Succeeded,
    };

    [LoggerMessage(LogEvents.SecondStepRefused, LogLevel.Information, "A second step was refused: {Cause}.")]
    private static partial void Refused(ILogger logger, string cause);
}

/// <summary>What came of a second step.</summary>
internal enum SecondStepStatus
{
    Proved,

    /// <summary>A wrong code, a used one, or an account that is locked: whoever guesses learns nothing from the difference.</summary>
    Wrong,

    /// <summary>The first step does not count any more: the password was changed, the account disabled.</summary>
    Over,
}

/// <summary>A status and what goes with it.</summary>
internal sealed class SecondStepOutcome
{
    private readonly AccountProof? proof;

    private SecondStepOutcome(SecondStepStatus status, AccountProof? proof)
    {
        Status = status;
        this.proof = proof;
    }

    public static SecondStepOutcome Wrong { get; } = new(SecondStepStatus.Wrong, null);

    public static SecondStepOutcome Over { get; } = new(SecondStepStatus.Over, null);

    public SecondStepStatus Status { get; }

    /// <summary>What opens a session, if proved.</summary>
    public AccountProof Proof => proof ?? throw new InvalidOperationException($"A second step that was {Status} proves nothing.");

    public static SecondStepOutcome Proved(AccountProof proof) => new(SecondStepStatus.Proved, proof);
}
