using WebApp.Storage;

namespace WebApp.Accounts;

/// <summary>Whoever knows the passwords: this site, or an upstream issuer.</summary>
internal interface IPasswordCheck
{
    /// <summary>
    /// Proof of the account, or null for whatever stands against it: whoever guesses learns nothing from the difference. Throws
    /// when the database or the issuer is away.
    /// </summary>
    Task<AccountProof?> CheckAsync(string userName, string password);
}
