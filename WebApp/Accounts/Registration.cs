using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Accounts;

/// <summary>Opens accounts.</summary>
internal sealed class Registration(
    UserManager<Account> users, IOptions<AccountsOptions> options, IOptions<UpstreamOptions> upstream)
{
    /// <summary>Shortest password, in characters.</summary>
    public const int MinPasswordLength = AccountsOptions.MinPasswordLength;

    /// <summary>Whether this site lets people open accounts themselves. Where an upstream issuer knows the people, it does not.</summary>
    public bool IsOpen => options.Value.AllowRegistration && upstream.Value.Kind == UpstreamKind.None;

    /// <summary>Opens an account, or says in sentences what is in the way. Throws when the database is away.</summary>
    public async Task<RegistrationOutcome> RegisterAsync(string userName, string password)
    {
        var account = new Account { UserName = userName };
        var result = await users.CreateAsync(account, password);
        return result.Succeeded
            ? new RegistrationOutcome(new AccountProof(new UserId(account.Id), await users.GetSecurityStampAsync(account)), [])
            : new RegistrationOutcome(null, [.. result.Errors.Select(error => error.Description)]);
    }
}

/// <summary>Either a proof or the sentences that say why there is none.</summary>
internal sealed record RegistrationOutcome(AccountProof? Proof, IReadOnlyList<string> Problems);
