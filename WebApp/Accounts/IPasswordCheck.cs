using WebApp.Storage;

namespace WebApp.Accounts;

/// <summary>Whoever knows the passwords: this site, or an upstream issuer.</summary>
internal interface IPasswordCheck
{
    /// <summary>Says what a name and a password are worth. Throws when the database or the issuer is away.</summary>
    /// <param name="client">Where the attempt comes from, for the record.</param>
    Task<PasswordOutcome> CheckAsync(string userName, string password, ClientInfo client);
}
