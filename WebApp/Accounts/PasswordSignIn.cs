using Microsoft.AspNetCore.Identity;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tokens;

namespace WebApp.Accounts;

/// <summary>Checks names and passwords with ASP.NET Core Identity: its hasher, its lockout, its security stamp.</summary>
internal sealed partial class PasswordSignIn(
    UserManager<Account> users,
    IPasswordHasher<Account> hasher,
    ILogger<PasswordSignIn> logger) : IPasswordCheck
{
    /// <summary>Null for an unknown name, a wrong password, and an account that is locked or disabled.</summary>
    public async Task<AccountProof?> CheckAsync(string userName, string password)
    {
        if (await users.FindByNameAsync(userName) is not { } account)
        {
            // An unknown name takes as long as a wrong password.
            hasher.HashPassword(new Account(), password);
            Refused(logger, "unknown name");
            return null;
        }

        if (await users.IsLockedOutAsync(account))
        {
            hasher.HashPassword(account, password);
            Refused(logger, "locked out");
            return null;
        }

        if (!await users.CheckPasswordAsync(account, password))
        {
            await users.AccessFailedAsync(account);
            Refused(logger, "wrong password");
            return null;
        }

        if (account.Disabled)
        {
            Refused(logger, "account disabled");
            return null;
        }

        await users.ResetAccessFailedCountAsync(account);
        return await ProveAsync(account);
    }

    private async Task<AccountProof> ProveAsync(Account account) =>
        new(new UserId(account.Id), await users.GetSecurityStampAsync(account));

    [LoggerMessage(LogEvents.SignInRefused, LogLevel.Information, "A sign-in was refused: {Cause}.")]
    private static partial void Refused(ILogger logger, string cause);
}
