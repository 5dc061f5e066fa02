using Microsoft.AspNetCore.Identity;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Accounts;

/// <summary>Changes a password.</summary>
internal sealed class PasswordChange(AccountChange changes, UserManager<Account> users)
{
    /// <summary>Throws when the database is away; then nothing has changed, or all of it has.</summary>
    /// <param name="owner">Who asks.</param>
    /// <param name="current">The password as they say it is.</param>
    /// <param name="next">The new one.</param>
    public Task<AccountChangeOutcome> ChangeAsync(AccountOwner owner, string current, string next) => changes.RunAsync(
        owner,
        current,
        SecurityEventKinds.PasswordChanged,
        RefusalReason.PasswordChanged,
        account => users.ChangePasswordAsync(account, current, next));
}
