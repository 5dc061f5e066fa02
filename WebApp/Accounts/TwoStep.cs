using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Identity;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Accounts;

/// <summary>Two-step verification by an authenticator app: Identity's keys, codes and recovery codes.</summary>
internal sealed class TwoStep(
    UserManager<Account> users, IUserStore<Account> store, AccountChange changes, AuthenticatorCodes codes, FailedAttempts failures)
{
    /// <summary>How many recovery codes are made at a time.</summary>
    public const int RecoveryCodes = 10;

    private const string Issuer = "WebApp";

    /// <summary>Null for an account that is gone.</summary>
    public async Task<TwoStepState?> FindAsync(UserId user) => await users.FindByIdAsync(user.Value) is { } account
        ? new TwoStepState(account.TwoFactorEnabled, account.TwoFactorEnabled ? await users.CountRecoveryCodesAsync(account) : 0)
        : null;

    /// <summary>
    /// A new key to set up an app with. It is worth nothing until a code has shown that the app has it, and is replaced each time:
    /// nobody turns two-step verification on with a key that somebody else has seen before.
    /// </summary>
    /// <returns>Null if two-step verification is on, or the account was changed elsewhere in the same moment.</returns>
    public async Task<AuthenticatorSetup?> BeginAsync(UserId user)
    {
        if (await users.FindByIdAsync(user.Value) is not { TwoFactorEnabled: false } account)
        {
            return null;
        }

        // Not ResetAuthenticatorKeyAsync: that gives the account a new stamp and ends its sessions, and nothing has changed yet.
        await SetNewKeyAsync(account);
        return (await users.UpdateAsync(account)).Succeeded ? await SetupAsync(account) : null;
    }

    /// <summary>The key that was made last, to show again after a wrong code. Null if two-step verification is on.</summary>
    public async Task<AuthenticatorSetup?> FindSetupAsync(UserId user) =>
        await users.FindByIdAsync(user.Value) is { TwoFactorEnabled: false } account ? await SetupAsync(account) : null;

    public async Task<TwoStepOutcome> TurnOnAsync(AccountOwner owner, string password, string code)
    {
        var admission = await changes.AdmitAsync(owner, password);
        if (admission.Account is not { } account)
        {
            return new TwoStepOutcome(admission.Refusal!, []);
        }

        if (account.TwoFactorEnabled)
        {
            // In another tab. A key that is in use is not replaced.
            return new TwoStepOutcome(AccountChangeOutcome.Rejected([users.ErrorDescriber.ConcurrencyFailure()]), []);
        }

        if (!await codes.TryTakeAsync(account, code))
        {
            await failures.CountAsync(owner.User, owner.Client);
            return new TwoStepOutcome(AccountChangeOutcome.WrongCode, []);
        }

        var made = new List<string>();
        var outcome = await changes.ApplyAsync(owner, account, SecurityEventKinds.TwoStepOn, RefusalReason.AccountChanged, async found =>
        {
            var on = await users.SetTwoFactorEnabledAsync(found, true);
            return on.Succeeded ? await MakeCodesAsync(found, made, RecoveryCodes) : on;
        });
        return new TwoStepOutcome(outcome, made);
    }

    public Task<AccountChangeOutcome> TurnOffAsync(AccountOwner owner, string password) => changes.RunAsync(
        owner, password, SecurityEventKinds.TwoStepOff, RefusalReason.AccountChanged, async account =>
        {
            // What was once shown to somebody is worth nothing any more.
            await SetNewKeyAsync(account);
            var off = await users.SetTwoFactorEnabledAsync(account, false);
            return off.Succeeded ? await MakeCodesAsync(account, [], 0) : off;
        });

    public async Task<TwoStepOutcome> RenewCodesAsync(AccountOwner owner, string password)
    {
        var made = new List<string>();
        var outcome = await changes.RunAsync(
            owner,
            password,
            SecurityEventKinds.RecoveryCodesMade,
            RefusalReason.AccountChanged,
            async account => account.TwoFactorEnabled
                ? await MakeCodesAsync(account, made, RecoveryCodes)
                : IdentityResult.Failed(users.ErrorDescriber.ConcurrencyFailure()));
        return new TwoStepOutcome(outcome, made);
    }

    private async Task<IdentityResult> MakeCodesAsync(Account account, List<string> made, int count)
    {
        if (await users.GenerateNewTwoFactorRecoveryCodesAsync(account, count) is not { } fresh)
        {
            return IdentityResult.Failed(users.ErrorDescriber.ConcurrencyFailure());
        }

        made.AddRange(fresh);
        return IdentityResult.Success;
    }

    private Task SetNewKeyAsync(Account account) => ((IUserAuthenticatorKeyStore<Account>)store).SetAuthenticatorKeyAsync(
        account, users.GenerateNewAuthenticatorKey(), CancellationToken.None);

    private async Task<AuthenticatorSetup?> SetupAsync(Account account)
    {
        if (await users.GetAuthenticatorKeyAsync(account) is not { } key)
        {
            return null;
        }

        var name = UrlEncoder.Default.Encode(account.UserName ?? account.Id);
        return new AuthenticatorSetup(
            string.Join(' ', key.ToLowerInvariant().Chunk(4).Select(group => new string(group))),
            $"otpauth://totp/{Issuer}:{name}?secret={key}&issuer={Issuer}&digits={AuthenticatorCodes.Length}");
    }
}

/// <summary>Two-step verification as the owner of the account sees it.</summary>
/// <param name="CodesLeft">Recovery codes that are still good.</param>
internal sealed record TwoStepState(bool IsOn, int CodesLeft);

/// <summary>What an authenticator app is told. A secret.</summary>
/// <param name="Key">In groups of four, to type.</param>
/// <param name="Uri">The same for a camera.</param>
internal sealed record AuthenticatorSetup(string Key, string Uri)
{
    /// <summary>Without the key.</summary>
    public override string ToString() => nameof(AuthenticatorSetup);
}

/// <summary>What came of it.</summary>
/// <param name="RecoveryCodes">To be shown this once, if changed.</param>
internal sealed record TwoStepOutcome(AccountChangeOutcome Change, IReadOnlyList<string> RecoveryCodes)
{
    /// <summary>Without the codes.</summary>
    public override string ToString() => Change.ToString();
}
