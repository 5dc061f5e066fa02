using Microsoft.AspNetCore.Identity;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Accounts;

/// <summary>Counts wrong passwords and codes, of which Identity locks an account after five in a row.</summary>
internal sealed class FailedAttempts(UserManager<Account> users, WebAppDb db, SecurityEvents events)
{
    /// <summary>Counts one, however many are made at once.</summary>
    public async Task CountAsync(UserId user, ClientInfo client)
    {
        IdentityResult result;
        do
        {
            // Read anew: whatever the refused attempt has left in memory must not be written with the count, and of several
            // attempts in one moment Identity counts only the first.
            db.ChangeTracker.Clear();
            if (await users.FindByIdAsync(user.Value) is not { } account)
            {
                return;
            }

            if (await users.IsLockedOutAsync(account))
            {
                break;
            }

            result = await users.AccessFailedAsync(account);
            if (result.Succeeded)
            {
                events.Queue(
                    await users.IsLockedOutAsync(account) ? SecurityEventKinds.LockedOut : SecurityEventKinds.SignInFailed, user, client);
            }
        }
        while (result.Errors.Any(error => error.Code == nameof(IdentityErrorDescriber.ConcurrencyFailure)));
    }
}
