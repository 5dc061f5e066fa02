using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>Opens sessions. Throws when the database is away; nothing is opened then.</summary>
internal sealed class SessionOpener(IDbContextFactory<WebAppDb> databases, IOptions<SessionsOptions> options, TimeProvider time)
{
    /// <returns>The grant of the first generation; null if the account is gone, disabled or changed since the proof.</returns>
    public async Task<SessionGrant?> OpenAsync(AccountProof proof, ClientInfo client, bool persistent, CancellationToken cancellation)
    {
        await using var db = await databases.CreateDbContextAsync(cancellation);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellation);

        // A write that changes nothing, for its condition and its lock: whoever disables the account waits until this session is
        // there to be ended, or comes first and is seen here (scenario 36).
        var account = db.Users.Where(each =>
            each.Id == proof.User.Value && !each.Disabled && each.SecurityStamp == proof.SecurityStamp);
        if (await account.ExecuteUpdateAsync(row => row.SetProperty(each => each.Disabled, each => each.Disabled), cancellation) == 0)
        {
            return null;
        }

        var name = await account.Select(each => each.UserName).SingleAsync(cancellation);
        var roles = await (from membership in db.UserRoles
                           join role in db.Roles on membership.RoleId equals role.Id
                           where membership.UserId == proof.User.Value
                           orderby role.Name
                           select role.Name).ToListAsync(cancellation);

        var now = time.GetUtcNow();
        var row = new SessionRow
        {
            Id = SessionId.New().Value,
            UserId = proof.User.Value,
            SecurityStamp = proof.SecurityStamp,
            Generation = Generation.First.Value,
            CreatedAt = now,
            RotatedAt = now,
            LastUsedAt = now,
            ExpiresAt = now + options.Value.AbsoluteLifetime,
            Persistent = persistent,
            Transport = SessionTransport.Cookie,
            UserAgent = client.UserAgent,
            IpAddress = client.IpAddress,
        };
        db.Sessions.Add(row);
        await db.SaveChangesAsync(cancellation);
        await transaction.CommitAsync(cancellation);
        return new SessionState(row, new AccountState(name ?? "", false, row.SecurityStamp, roles)).Grant();
    }
}
