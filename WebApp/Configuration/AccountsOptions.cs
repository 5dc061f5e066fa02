using Microsoft.Extensions.Options;

namespace WebApp.Configuration;

/// <summary>The section <c>Accounts</c> of the configuration.</summary>
internal sealed class AccountsOptions
{
    public const string Section = "Accounts";

    /// <summary>Shortest password, in characters. Length is what counts (NIST SP 800-63B, section 5.1.1).</summary>
    public const int MinPasswordLength = 10;

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

/// <summary>What the values of <see cref="AccountsOptions"/> must satisfy.</summary>
internal sealed class AccountsRules : IValidateOptions<AccountsOptions>
{
    public ValidateOptionsResult Validate(string? name, AccountsOptions options)
    {
        var complaints = new Complaints(AccountsOptions.Section);
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (index, account) in options.Seed.Index())
        {
            complaints.Unless(
                !string.IsNullOrWhiteSpace(account.UserName), $"Seed:{index}:UserName", account.UserName, "must not be empty");
            complaints.Unless(
                names.Add(account.UserName), $"Seed:{index}:UserName", account.UserName, "must not name an account twice");
            complaints.Unless(
                account.Password.Length >= AccountsOptions.MinPasswordLength, $"Seed:{index}:Password", account.Password,
                $"must have at least {AccountsOptions.MinPasswordLength} characters (account '{account.UserName}')");
        }

        return complaints.Result();
    }
}
