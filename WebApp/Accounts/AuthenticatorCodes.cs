using Microsoft.AspNetCore.Identity;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Accounts;

/// <summary>
/// Checks the codes of an authenticator app (RFC 6238). Identity computes them, by the machine's own clock, and takes those of
/// two steps of 30 seconds before and after.
/// </summary>
internal sealed class AuthenticatorCodes(UserManager<Account> users, SpentProofs spent)
{
    /// <summary>In digits.</summary>
    public const int Length = 6;

    /// <summary>Throws when the database is away.</summary>
    /// <param name="account">Whose key counts.</param>
    /// <param name="typed">As it was typed: apps show codes in two groups, and people copy them so.</param>
    /// <returns>True for the first who brings a code that is right.</returns>
    public async Task<bool> TryTakeAsync(Account account, string typed)
    {
        var code = string.Concat(typed.Where(letter => !char.IsWhiteSpace(letter) && letter != '-'));

        // Identity reads a code as a number: "+12345" and "012345" would be one, and each good once more.
        return code.Length == Length
            && code.All(char.IsAsciiDigit)
            && await users.VerifyTwoFactorTokenAsync(account, users.Options.Tokens.AuthenticatorTokenProvider, code)
            && await spent.TrySpendAsync(new UserId(account.Id), $"code {code}");
    }
}
