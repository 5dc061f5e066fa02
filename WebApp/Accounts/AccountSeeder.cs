using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Storage;
using WebApp.Telemetry;

namespace WebApp.Accounts;

/// <summary>Makes the accounts of <c>Accounts:Seed</c> that are missing, before the site serves its first request.</summary>
internal sealed partial class AccountSeeder(
    IServiceScopeFactory scopes,
    IOptions<AccountsOptions> options,
    ILogger<AccountSeeder> logger) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.Value.Seed.Count == 0)
        {
            return;
        }

        foreach (var seed in options.Value.Seed)
        {
            await SeedIfMissingAsync(seed);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Of several nodes that start together, all but one find that the account has come into being meanwhile.</summary>
    private async Task SeedIfMissingAsync(SeedAccount seed)
    {
        if (await ExistsAsync(seed))
        {
            return;
        }

        try
        {
            await using var scope = scopes.CreateAsyncScope();
            await SeedAsync(
                scope.ServiceProvider.GetRequiredService<UserManager<Account>>(),
                scope.ServiceProvider.GetRequiredService<RoleManager<IdentityRole>>(),
                seed);
        }
        catch (Exception race) when (race is DbUpdateException or StartException)
        {
            if (!await ExistsAsync(seed))
            {
                throw;
            }
        }
    }

    private async Task<bool> ExistsAsync(SeedAccount seed)
    {
        await using var scope = scopes.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<UserManager<Account>>().FindByNameAsync(seed.UserName) is not null;
    }

    private async Task SeedAsync(UserManager<Account> users, RoleManager<IdentityRole> roles, SeedAccount seed)
    {
        var account = new Account { UserName = seed.UserName };
        Require(await users.CreateAsync(account, seed.Password), seed);
        foreach (var role in seed.Roles)
        {
            if (!await roles.RoleExistsAsync(role))
            {
                Require(await roles.CreateAsync(new IdentityRole(role)), seed);
            }

            Require(await users.AddToRoleAsync(account, role), seed);
        }

        Seeded(logger, seed.UserName);
    }

    private static void Require(IdentityResult result, SeedAccount seed)
    {
        if (!result.Succeeded)
        {
            throw new StartException(
                $"{AccountsOptions.Section}:Seed holds the account '{seed.UserName}', but it cannot be made: " +
                string.Join(" ", result.Errors.Select(error => error.Description)));
        }
    }

    [LoggerMessage(LogEvents.AccountSeeded, LogLevel.Information, "The account '{UserName}' was made.")]
    private static partial void Seeded(ILogger logger, string userName);
}
