using Microsoft.AspNetCore.Identity;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tokens;

namespace WebApp.Accounts;

/// <summary>Checks names and passwords with ASP.NET Core Identity: its hasher, its lockout, its security stamp.</summary>
internal sealed partial class PasswordSignIn(
    UserManager<Account> users,
    IPasswordHasher<Account> hasher,
    FailedAttempts failures,
    ILogger<PasswordSignIn> logger) : IPasswordCheck
{
    /// <summary>Refuses an unknown name, a wrong password, and an account that is locked or disabled.</summary>
    public async Task<PasswordOutcome> CheckAsync(string userName, string password, ClientInfo client)
    {
        if (await users.FindByNameAsync(userName) is not { } account)
        {
            // An unknown name takes as long as a wrong password.
            hasher.HashPassword(new Account(), password);
            Refused(logger, "unknown name");
            return PasswordOutcome.Refused;
        }

        if (await users.IsLockedOutAsync(account))
        {
            hasher.HashPassword(account, password);
            Refused(logger, "locked out");
            return PasswordOutcome.Refused;
        }

        if (!await users.CheckPasswordAsync(account, password))
        {
            await failures.CountAsync(new UserId(account.Id), client);
            Refused(logger, "wrong password");
            return PasswordOutcome.Refused;
        }

        if (account.Disabled)
        {
            Refused(logger, "account disabled");
            return PasswordOutcome.Refused;
        }

        var (user, stamp) = (new UserId(account.Id), await users.GetSecurityStampAsync(account));
        if (account.TwoFactorEnabled)
        {
            // The count stands until the second step is done, or whoever knows the password could guess codes without end.
            return PasswordOutcome.SecondStepNeeded(new FirstStep(user, stamp));
        }

        await users.ResetAccessFailedCountAsync(account);
        return PasswordOutcome.Proved(new AccountProof(user, stamp));
    }

    [LoggerMessage(LogEvents.SignInRefused, LogLevel.Information, "A sign-in was refused: {Cause}.")]
    private static partial void Refused(ILogger logger, string cause);
}
