using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Identity;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tokens;

namespace WebApp.Accounts;

/// <summary>
/// Signing in with a passkey. It is both steps at once: the authenticator is one, and it makes sure by itself of who holds it.
/// </summary>
internal sealed partial class PasskeySignIn(
    UserManager<Account> users, IPasskeyHandler<Account> handler, SpentProofs spent, ILogger<PasskeySignIn> logger)
{
    /// <summary>
    /// What the browser is to ask an authenticator for, in JSON. Nobody has said who they are: it says nothing of any account.
    /// </summary>
    public async Task<string> BeginAsync(HttpContext context)
    {
        var made = await handler.MakeRequestOptionsAsync(user: null, context);
        await PasskeyCeremonies.BeginAsync(context, PasskeyOperation.SignIn, made.AssertionState, owner: null);
        return made.RequestOptionsJson;
    }

    /// <summary>Proof of the account, or null for whatever stands against it. Throws when the database is away.</summary>
    public async Task<AccountProof?> CheckAsync(HttpContext context, string credential)
    {
        if (await PasskeyCeremonies.TakeAsync(context, PasskeyOperation.SignIn, owner: null) is not { } ceremony)
        {
            Refused(logger, "no passkey was asked for");
            return null;
        }

        var result = await handler.PerformAssertionAsync(
            new PasskeyAssertionContext { HttpContext = context, CredentialJson = credential, AssertionState = ceremony.State });
        if (!result.Succeeded)
        {
            result.Failure.ThrowIfDatabaseAway();
            Refused(logger, result.Failure.Message);
            return null;
        }

        var account = result.User;
        if (account.Disabled || await users.IsLockedOutAsync(account))
        {
            Refused(logger, account.Disabled ? "account disabled" : "locked out");
            return null;
        }

        // The cookie of the ceremony is deleted and not forgotten: of whoever kept it and the answer, the first is let in. Many
        // authenticators count nothing, and their answers say nothing of that.
        var user = new UserId(account.Id);
        if (!await spent.TrySpendAsync(user, $"passkey {ceremony.Id}")
            || !(await users.AddOrUpdatePasskeyAsync(account, result.Passkey)).Succeeded)
        {
            Refused(logger, "a passkey's answer that was used before, or in the same moment");
            return null;
        }

        await users.ResetAccessFailedCountAsync(account);
        return new AccountProof(user, await users.GetSecurityStampAsync(account));
    }

    [LoggerMessage(LogEvents.SignInRefused, LogLevel.Information, "A sign-in was refused: {Cause}.")]
    private static partial void Refused(ILogger logger, string cause);
}

/// <summary>Faults that Identity's handler has made failures of.</summary>
internal static class PasskeyFaults
{
    /// <summary>It catches whatever is thrown in it. A database that is away is no refusal.</summary>
    public static void ThrowIfDatabaseAway([NotNull] this PasskeyException? failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        if (failure.IsDatabaseAway())
        {
            throw failure;
        }
    }
}
