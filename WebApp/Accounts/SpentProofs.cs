using System.Globalization;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Accounts;

/// <summary>
/// Remembers the codes and passkey answers that were accepted, so that none is good twice (OWASP ASVS 5.0, 6.5.1). Identity takes
/// a code as often as it comes while its time lasts. In Identity's table of user tokens, whose key makes one of several the first.
/// </summary>
internal sealed class SpentProofs(IDbContextFactory<WebAppDb> databases, TimeProvider time)
{
    /// <summary>
    /// Longer than any proof is good by itself: 150 seconds for a code, <see cref="PasskeyCeremonies.Life"/> for a passkey.
    /// </summary>
    public static readonly TimeSpan Remembered = TimeSpan.FromMinutes(10);

    private const string Provider = "[WebApp.Spent]";

    /// <summary>Throws when the database is away.</summary>
    /// <returns>True for the first caller alone.</returns>
    public async Task<bool> TrySpendAsync(UserId user, string proof)
    {
        var now = time.GetUtcNow();
        var forgotten = Moment(now - Remembered);
        await using var db = await databases.CreateDbContextAsync(CancellationToken.None);
        await db.UserTokens
            .Where(row => row.UserId == user.Value && row.LoginProvider == Provider && string.Compare(row.Value, forgotten) < 0)
            .ExecuteDeleteAsync(CancellationToken.None);
        db.UserTokens.Add(new IdentityUserToken<string>
        {
            UserId = user.Value,
            LoginProvider = Provider,
            Name = proof,
            Value = Moment(now),
        });
        try
        {
            await db.SaveChangesAsync(CancellationToken.None);
            return true;
        }
        catch (DbUpdateException)
        {
            if (!await db.UserTokens.AsNoTracking().AnyAsync(
                row => row.UserId == user.Value && row.LoginProvider == Provider && row.Name == proof, CancellationToken.None))
            {
                throw;
            }

            return false;
        }
    }

    /// <summary>Of one length, so that they sort as texts do.</summary>
    private static string Moment(DateTimeOffset moment) =>
        moment.ToUnixTimeMilliseconds().ToString("D15", CultureInfo.InvariantCulture);
}
