using Microsoft.AspNetCore.Identity;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Accounts;

/// <summary>
/// Changes how somebody signs in. In one transaction the account gets a new stamp, the session that asked for it gets the same, and
/// every other session ends (protocol, "Rotation: the database judges"; scenario 35).
/// </summary>
internal sealed class AccountChange(
    UserManager<Account> users, WebAppDb db, SessionRevoker revoker, FailedAttempts failures, TimeProvider time)
{
    /// <summary>
    /// Asks for the password, then changes. Throws when the database is away; then nothing has changed, or all of it has.
    /// </summary>
    /// <param name="owner">Who asks.</param>
    /// <param name="password">The password as they say it is.</param>
    /// <param name="record">A kind of <see cref="SecurityEventKinds"/>.</param>
    /// <param name="reason">What the browsers of the other sessions are told.</param>
    /// <param name="change">Runs inside the transaction.</param>
    public async Task<AccountChangeOutcome> RunAsync(
        AccountOwner owner, string password, string record, RefusalReason reason, Func<Account, Task<IdentityResult>> change)
    {
        var admission = await AdmitAsync(owner, password);
        return admission.Account is { } account ? await ApplyAsync(owner, account, record, reason, change) : admission.Refusal!;
    }

    /// <summary>Whether the person at the screen knows the password. A wrong one counts as a failed sign-in.</summary>
    public async Task<AccountAdmission> AdmitAsync(AccountOwner owner, string password)
    {
        if (await users.FindByIdAsync(owner.User.Value) is not { Disabled: false } account)
        {
            return new AccountAdmission(null, AccountChangeOutcome.SessionOver);
        }

        // Whoever sits at a forgotten screen may not guess either.
        if (await users.IsLockedOutAsync(account))
        {
            return new AccountAdmission(null, AccountChangeOutcome.Locked);
        }

        if (!await users.CheckPasswordAsync(account, password))
        {
            await failures.CountAsync(owner.User, owner.Client);
            return new AccountAdmission(null, AccountChangeOutcome.WrongPassword);
        }

        return new AccountAdmission(account, null);
    }

    /// <summary>Changes without asking again. Throws when the database is away; then nothing has changed, or all of it has.</summary>
    public async Task<AccountChangeOutcome> ApplyAsync(
        AccountOwner owner, Account account, string record, RefusalReason reason, Func<Account, Task<IdentityResult>> change)
    {
        var now = time.GetUtcNow();
        await using var transaction = await db.Database.BeginTransactionAsync(CancellationToken.None);
        var before = account.SecurityStamp;
        var result = await change(account);
        if (result.Succeeded && account.SecurityStamp == before)
        {
            // Identity does so for some changes and not for others. Here none leaves the other sessions as they are.
            result = await users.UpdateSecurityStampAsync(account);
        }

        if (!result.Succeeded)
        {
            return Undone(AccountChangeOutcome.Rejected(result.Errors));
        }

        if (!await db.MoveStampAsync(owner.User, owner.Session, await users.GetSecurityStampAsync(account)))
        {
            return Undone(AccountChangeOutcome.SessionOver);
        }

        var ended = await db.EndSessionsAsync(owner.User, owner.Session, reason, now);
        db.SecurityEvents.Add(SecurityEvent.Of(record, owner.User, owner.Session, owner.Client, now));
        await db.SaveChangesAsync(CancellationToken.None);
        await transaction.CommitAsync(CancellationToken.None);
        foreach (var session in ended)
        {
            revoker.Remember(session, reason);
        }

        return AccountChangeOutcome.Changed(ended.Count);
    }

    /// <summary>
    /// The transaction takes back what was written. What is held in memory would be read, and written with the next change.
    /// </summary>
    private AccountChangeOutcome Undone(AccountChangeOutcome outcome)
    {
        db.ChangeTracker.Clear();
        return outcome;
    }
}

/// <summary>Who asks for a change of an account.</summary>
/// <param name="User">Whose it is.</param>
/// <param name="Session">The session that lives on.</param>
/// <param name="Client">The device at which they sit, for the record.</param>
internal sealed record AccountOwner(UserId User, SessionId Session, ClientInfo Client);

/// <summary>Either the account or what stands against it.</summary>
internal sealed record AccountAdmission(Account? Account, AccountChangeOutcome? Refusal);
