using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Storage;

public sealed class SessionRowsOnSqliteTests() : SessionRowsInDatabaseTests(postgres: null);

public sealed class SessionRowsOnPostgresTests(SharedPostgres postgres) : SessionRowsInDatabaseTests(postgres);

/// <summary>The rows of the site, each statement carried out by a real database.</summary>
public abstract class SessionRowsInDatabaseTests(SharedPostgres? postgres) : SessionRowsContract
{
    private Store store = null!;

    /// <summary>Columns of Identity's that may be empty.</summary>
    [Fact]
    public async Task An_account_without_a_name_or_a_stamp_has_empty_ones()
    {
        var opened = await store.SignInAsync();
        await store.ChangeAsync(opened.User, account => (account.UserName, account.SecurityStamp) = (null, null));

        var account = (await store.Get<ISessionRows>().FindAsync(opened.Session, CancellationToken.None))!.Account!;

        Assert.Equal(("", ""), (account.Name, account.SecurityStamp));
    }

    private protected override async Task<ISessionRows> OpenAsync()
    {
        store = await Store.OpenAsync(postgres: postgres);
        return store.Get<ISessionRows>();
    }

    private protected override async Task CloseAsync() => await store.DisposeAsync();

    private protected override Task SetAccountAsync(UserId user, AccountState? account) => store.InDatabaseAsync(async db =>
    {
        await db.UserRoles.Where(each => each.UserId == user.Value).ExecuteDeleteAsync();
        await db.Users.Where(each => each.Id == user.Value).ExecuteDeleteAsync();
        if (account is not null)
        {
            db.Users.Add(new Account
            {
                Id = user.Value,
                UserName = account.Name,
                Disabled = account.Disabled,
                SecurityStamp = account.SecurityStamp,
            });
            foreach (var role in account.Roles.Select(name => new IdentityRole(name) { NormalizedName = Guid.NewGuid().ToString() }))
            {
                db.Roles.Add(role);
                db.UserRoles.Add(new IdentityUserRole<string> { UserId = user.Value, RoleId = role.Id });
            }
        }

        return await db.SaveChangesAsync();
    });

    private protected override Task AddRowAsync(SessionRow row) => store.InDatabaseAsync(db =>
    {
        db.Sessions.Add(row);
        return db.SaveChangesAsync();
    });

    private protected override Task ChangeRowAsync(SessionId session, Action<SessionRow> change) => store.ChangeAsync(session, change);

    private protected override Task<SessionRow> RowAsync(SessionId session) => store.RowAsync(session);

    private protected override async Task<IReadOnlyList<SecurityEvent>> EventsAsync() => await store.EventsAsync();
}
