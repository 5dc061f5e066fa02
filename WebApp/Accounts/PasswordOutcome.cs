using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Accounts;

/// <summary>What a name and a password are worth.</summary>
internal enum PasswordStatus
{
    /// <summary>They are right, and all that the account asks for.</summary>
    Proved,

    /// <summary>They are right, and the account asks for a second step. No session may be opened yet.</summary>
    SecondStepNeeded,

    /// <summary>Whatever stands against it: whoever guesses learns nothing from the difference.</summary>
    Refused,
}

/// <summary>A status and what goes with it.</summary>
internal sealed class PasswordOutcome
{
    private readonly AccountProof? proof;
    private readonly FirstStep? firstStep;

    private PasswordOutcome(PasswordStatus status, AccountProof? proof, FirstStep? firstStep)
    {
        Status = status;
        this.proof = proof;
        this.firstStep = firstStep;
    }

    public static PasswordOutcome Refused { get; } = new(PasswordStatus.Refused, null, null);

    public PasswordStatus Status { get; }

    /// <summary>What opens a session, if proved.</summary>
    public AccountProof Proof => proof ?? throw new InvalidOperationException($"A password that was {Status} proves nothing.");

    /// <summary>What the second step goes on from, if one is needed.</summary>
    public FirstStep FirstStep =>
        firstStep ?? throw new InvalidOperationException($"After a password that was {Status} there is no second step.");

    public static PasswordOutcome Proved(AccountProof proof) => new(PasswordStatus.Proved, proof, null);

    public static PasswordOutcome SecondStepNeeded(FirstStep firstStep) => new(PasswordStatus.SecondStepNeeded, null, firstStep);
}

/// <summary>
/// Somebody knows the password of an account that asks for more. Of another type than a proof, so that none opens a session.
/// </summary>
/// <param name="User">Whose account.</param>
/// <param name="SecurityStamp">The account's stamp at that moment: the second step counts only while it is unchanged.</param>
internal sealed record FirstStep(UserId User, string SecurityStamp);
