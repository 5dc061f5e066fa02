using Microsoft.EntityFrameworkCore;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Storage;

public sealed class SessionOpenerOnSqliteTests() : SessionOpenerContract(postgres: null);

public sealed class SessionOpenerOnPostgresTests(SharedPostgres postgres) : SessionOpenerContract(postgres);

/// <summary>A session opens for an account that is as it was when its owner proved to be its owner.</summary>
public abstract class SessionOpenerContract(SharedPostgres? postgres) : IAsyncLifetime
{
    private Store store = null!;
    private Account account = null!;

    private AccountProof Proof => new(new UserId(account.Id), account.SecurityStamp!);

    public async ValueTask InitializeAsync()
    {
        store = await Store.OpenAsync(postgres: postgres);
        account = await store.OpenAccountAsync("Admin", "Baker");

        // Somebody else, whose account is as it was, and whose roles are his own.
        await store.OpenAccountAsync("Editor");
    }

    public async ValueTask DisposeAsync()
    {
        await store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_session_starts_with_the_first_generation_and_its_limits(bool persistent)
    {
        var grant = await store.OpenSessionAsync(Proof, persistent);

        Assert.Equal(
            (new UserId(account.Id), Generation.First, account.UserName, persistent),
            (grant!.User, grant.Generation, grant.Name, grant.Persistent));
        Assert.Equal(["Admin", "Baker"], grant.Roles);
        Assert.Equal((The.Beginning, The.Beginning + store.Options.AbsoluteLifetime), (grant.AuthenticatedAt, grant.ExpiresAt));
        var row = await store.RowAsync(grant.Session);
        Assert.Equal((0, null, null, persistent), (row.Generation, row.SeenAt, row.RevokedAt, row.Persistent));
        Assert.Equal((The.Beginning, The.Beginning, The.Beginning), (row.CreatedAt, row.RotatedAt, row.LastUsedAt));
        Assert.Equal((account.SecurityStamp, Some.Client.UserAgent), (row.SecurityStamp, row.UserAgent));
    }

    [Fact]
    public async Task Signing_in_is_recorded_with_the_session()
    {
        var grant = await store.OpenSessionAsync(Proof);

        var recorded = await store.InDatabaseAsync(db => db.SecurityEvents.SingleAsync());
        Assert.Equal(
            (SecurityEventKinds.SignedIn, account.Id, grant!.Session.Value, The.Beginning),
            (recorded.Kind, recorded.UserId, recorded.SessionId, recorded.At));
    }

    [Fact]
    public async Task A_session_that_opens_is_alive_and_found_as_it_was_opened()
    {
        var row = new SessionRow
        {
            Id = Guid.NewGuid(),
            UserId = account.Id,
            SecurityStamp = account.SecurityStamp!,
            CreatedAt = The.Beginning,
            RotatedAt = The.Beginning,
            LastUsedAt = The.Beginning,
            ExpiresAt = The.Beginning.AddDays(1),
            UserAgent = "",
            IpAddress = "",
        };

        var opened = await store.Get<ISessionRows>().TryOpenAsync(row, CancellationToken.None);

        Assert.True(opened!.IsAlive);
        var found = await store.Get<ISessionRows>().FindAsync(new SessionId(row.Id), CancellationToken.None);
        Assert.Equivalent(found, opened, strict: true);
    }

    [Fact]
    public async Task A_session_of_an_account_without_a_name_is_granted_to_an_empty_one()
    {
        await store.ChangeAsync(Proof.User, each => each.UserName = null);

        Assert.Equal("", (await store.OpenSessionAsync(Proof))!.Name);
    }

    [Theory]
    [InlineData("disabled")]
    [InlineData("deleted")]
    [InlineData("stamp")]
    public async Task An_account_that_changed_since_the_proof_opens_no_session(string what)
    {
        await (what switch
        {
            "disabled" => store.ChangeAsync(Proof.User, each => each.Disabled = true),
            "stamp" => store.ChangeAsync(Proof.User, each => each.SecurityStamp = "another"),
            _ => store.DeleteAsync(Proof.User),
        });

        Assert.Null(await store.OpenSessionAsync(Proof));
        Assert.Equal(0, await store.InDatabaseAsync(db => db.Sessions.CountAsync()));
    }

    /// <summary>
    /// Scenario 36: whoever disables an account ends the sessions there are. One that opens at that moment must be among them, or
    /// must not open.
    /// </summary>
    [Fact]
    public async Task No_session_opens_behind_the_back_of_whoever_disables_the_account()
    {
        var gate = store.Probe.Hold(Sql.OpenSession);
        var opening = Task.Run(() => store.OpenSessionAsync(Proof));
        await gate.Arrived;
        var disabled = await TryDisableAsync();
        store.Probe.StopHolding(Sql.OpenSession);
        var grant = await opening.InTime();

        Assert.False(disabled && grant is not null, "The account was disabled first, and a session opened after that.");
    }

    /// <summary>Scenario 25.</summary>
    [Fact]
    public async Task A_fault_that_passes_opens_one_session()
    {
        store.Probe.FailAfter(Sql.OpenSession, times: 1);

        Assert.NotNull(await store.OpenSessionAsync(Proof));
        Assert.Equal(1, await store.InDatabaseAsync(db => db.Sessions.CountAsync()));
    }

    [Fact]
    public async Task A_database_that_is_away_opens_nothing_and_says_so()
    {
        store.Probe.FailAfter(Sql.OpenSession, DatabaseRetry.MaxAttempts);

        await Assert.ThrowsAnyAsync<Exception>(() => store.OpenSessionAsync(Proof));
        Assert.Equal(0, await store.InDatabaseAsync(db => db.Sessions.CountAsync()));
    }

    /// <summary>False if the account is held by whoever opens a session for it.</summary>
    private async Task<bool> TryDisableAsync()
    {
        try
        {
            return await store.InDatabaseAsync(
                db => db.Users.Where(each => each.Id == account.Id).ExecuteUpdateAsync(set => set.SetProperty(each => each.Disabled, true)),
                busySeconds: 1) == 1;
        }
        catch (Exception busy) when (busy.IsDatabaseAway())
        {
            return false;
        }
    }
}
