using Microsoft.Extensions.Options;

namespace WebApp.Configuration;

/// <summary>The section <c>Accounts</c> of the configuration.</summary>
internal sealed class AccountsOptions
{
    public const string Section = "Accounts";

    /// <summary>Whether <c>/register</c> opens accounts.</summary>
    public bool AllowRegistration { get; set; } = true;

    /// <summary>Accounts that are made at start where they are missing. Meant for Development.</summary>
    public List<SeedAccount> Seed { get; set; } = [];
}

/// <summary>One account of <see cref="AccountsOptions.Seed"/>.</summary>
internal sealed class SeedAccount
{
    public string UserName { get; set; } = "";

    public string Password { get; set; } = "";

    public List<string> Roles { get; set; } = [];
}

/// <summary>What the values of <see cref="AccountsOptions"/> must satisfy. A password is never repeated.</summary>
internal sealed class AccountsRules : IValidateOptions<AccountsOptions>
{
    public ValidateOptionsResult Validate(string? name, AccountsOptions options)
    {
        var complaints = new Complaints(AccountsOptions.Section);
        foreach (var (index, account) in options.Seed.Index())
        {
            complaints.Unless(
                !string.IsNullOrWhiteSpace(account.UserName), $"Seed:{index}:UserName", account.UserName, "must not be empty");
            complaints.Unless(
                account.Password.Length > 0, $"Seed:{index}:Password", account.Password, $"must not be empty (account '{account.UserName}')");
        }

        return complaints.Result();
    }
}
