using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tokens;
using WebApp.Upstream;

namespace WebApp.Accounts;

/// <summary>
/// Signs people in whose passwords an upstream issuer knows. Here each of them has an account without a password: sessions,
/// notes and events belong to it, and it can be disabled.
/// </summary>
internal sealed partial class UpstreamSignIn(
    IPasswordIssuer issuer, IServiceScopeFactory scopes, ILogger<UpstreamSignIn> logger) : IPasswordCheck
{
    public async Task<PasswordOutcome> CheckAsync(string userName, string password, ClientInfo client)
    {
        // Not the request's token: what the issuer has handed out must not be lost with a browser that leaves.
        var answer = await issuer.SignInAsync(userName, password, CancellationToken.None);
        switch (answer.Status)
        {
            case UpstreamStatus.Granted:
                return await ProveAsync(answer.User!.Value, answer.Tokens!);
            case UpstreamStatus.Refused:
                Refused(logger, "refused by the upstream issuer");
                return PasswordOutcome.Refused;
            case UpstreamStatus.Unavailable:
                throw new UpstreamAwayException();
            default:
                throw new InvalidOperationException($"There is no answer to the status {answer.Status}.");
        }
    }

    private async Task<PasswordOutcome> ProveAsync(UserId user, UpstreamTokens tokens)
    {
        var account = await FindAsync(user) ?? await CreateAsync(user);
        if (account.Disabled)
        {
            Refused(logger, "account disabled");
            return PasswordOutcome.Refused;
        }

        // A second step is the issuer's affair.
        return PasswordOutcome.Proved(new AccountProof(user, account.SecurityStamp ?? "", tokens));
    }

    private async Task<Account?> FindAsync(UserId user)
    {
        await using var scope = scopes.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<UserManager<Account>>().FindByIdAsync(user.Value);
    }

    /// <summary>Of two first sign-ins at once, one finds that the account has come into being meanwhile.</summary>
    private async Task<Account> CreateAsync(UserId user)
    {
        await using var scope = scopes.CreateAsyncScope();
        var accounts = scope.ServiceProvider.GetRequiredService<UserManager<Account>>();

        // Named by its key: the issuer may give a name to somebody else some day.
        var account = new Account { Id = user.Value, UserName = user.Value };
        try
        {
            var result = await accounts.CreateAsync(account);
            if (result.Succeeded)
            {
                return account;
            }

            return await FindAsync(user)
                ?? throw new InvalidOperationException(
                    $"No account could be made for {user}: {string.Join(" ", result.Errors.Select(error => error.Code))}");
        }
        catch (DbUpdateException)
        {
            if (await FindAsync(user) is not { } made)
            {
                throw;
            }

            return made;
        }
    }

    [LoggerMessage(LogEvents.SignInRefused, LogLevel.Information, "A sign-in was refused: {Cause}.")]
    private static partial void Refused(ILogger logger, string cause);
}
