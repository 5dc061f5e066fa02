using Microsoft.EntityFrameworkCore;
using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>
/// The account whose sessions the lab opens on the running site. It has no password, so that nobody signs in to it, and is known
/// by its id, which no person's account can have: a person who is called the same is somebody else.
/// </summary>
internal sealed class LabAccount(IDbContextFactory<WebAppDb> databases)
{
    public const string Id = "lab";

    /// <summary>With letters that no name of a person has (<c>/register</c>), so that it is nobody's already.</summary>
    public const string Name = "(lab)";

    /// <summary>Makes the account where it is missing. Throws when the database is away.</summary>
    public async Task<AccountProof> ProveAsync(CancellationToken cancellation)
    {
        if (await FindAsync(cancellation) is { } known)
        {
            return known;
        }

        try
        {
            await using var db = await databases.CreateDbContextAsync(cancellation);
            var account = new Account
            {
                Id = Id,
                UserName = Name,
                NormalizedUserName = Name.ToUpperInvariant(),
                SecurityStamp = Guid.NewGuid().ToString("N"),
            };
            db.Users.Add(account);
            await db.SaveChangesAsync(cancellation);
            return new AccountProof(new UserId(Id), account.SecurityStamp);
        }
        catch (DbUpdateException)
        {
            // Another node has made it in the same moment.
            if (await FindAsync(cancellation) is { } made)
            {
                return made;
            }

            throw;
        }
    }

    private async Task<AccountProof?> FindAsync(CancellationToken cancellation)
    {
        await using var db = await databases.CreateDbContextAsync(cancellation);
        return await db.Users.Where(account => account.Id == Id).Select(account => account.SecurityStamp).SingleOrDefaultAsync(cancellation)
            is { } stamp ? new AccountProof(new UserId(Id), stamp) : null;
    }
}
