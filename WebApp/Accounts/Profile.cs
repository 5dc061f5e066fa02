using Microsoft.AspNetCore.Identity;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Accounts;

/// <summary>What a person is called and how they are reached. Neither ends a session.</summary>
internal sealed class Profile(UserManager<Account> users)
{
    /// <summary>Null for an account that is gone.</summary>
    public async Task<ProfileState?> FindAsync(UserId user) => await users.FindByIdAsync(user.Value) is { } account
        ? new ProfileState(account.UserName ?? "", account.Email, account.ConcurrencyStamp ?? "", account.PasswordHash is not null)
        : null;

    /// <summary>Changes both, or says in sentences what is in the way. Throws when the database is away.</summary>
    /// <param name="user">Whose.</param>
    /// <param name="userName">The new name.</param>
    /// <param name="email">The new address; null for none.</param>
    /// <param name="stamp">As it was when the form was shown: what another tab has changed since is not overwritten.</param>
    public async Task<IReadOnlyList<string>> ChangeAsync(UserId user, string userName, string? email, string stamp)
    {
        if (await users.FindByIdAsync(user.Value) is not { } account)
        {
            return [users.ErrorDescriber.ConcurrencyFailure().Description];
        }

        account.ConcurrencyStamp = stamp;
        account.EmailConfirmed &= string.Equals(account.Email, email, StringComparison.OrdinalIgnoreCase);
        account.UserName = userName;
        account.Email = email;
        var result = await users.UpdateAsync(account);
        return [.. result.Errors.Select(error => error.Description)];
    }
}

/// <summary>An account as its owner sees it.</summary>
/// <param name="Stamp">Changes with every change.</param>
/// <param name="HasPassword">Whether this site knows a password: an upstream issuer's people have none here.</param>
internal sealed record ProfileState(string UserName, string? Email, string Stamp, bool HasPassword);
