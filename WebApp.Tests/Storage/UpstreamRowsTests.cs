using Microsoft.EntityFrameworkCore;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Storage;

/// <summary>What is written of an upstream pair, condition by condition: of that session, in place of that pair, while it lives.</summary>
public sealed class UpstreamRowsTests : IAsyncLifetime
{
    private const int Version = 5;

    private static readonly DateTimeOffset Now = The.Beginning.AddHours(1);

    private Store store = null!;
    private SessionId session;
    private SessionRow[] before = null!;

    private IUpstreamRows Rows => store.Get<IUpstreamRows>();

    public async ValueTask InitializeAsync()
    {
        store = await Store.OpenAsync();
        session = (await store.SignInAsync()).Session;
        foreach (var each in new[] { session, (await store.SignInAsync()).Session })
        {
            await store.ChangeAsync(each, row => (row.UpstreamTokens, row.UpstreamVersion) = ("a pair", Version));
        }

        before = await AllAsync();
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Fact]
    public async Task That_spending_has_begun_is_written_and_nothing_else()
    {
        Assert.True(await Rows.TryBeginSpendAsync(session, Version, CancellationToken.None));

        await ExpectAsync(row => row.UpstreamSpending = true);
    }

    [Fact]
    public async Task A_pair_takes_the_place_of_the_one_that_it_replaces()
    {
        await store.ChangeAsync(session, row => (row.UpstreamSpending, row.UpstreamRefusedAt) = (true, The.Beginning));

        Assert.True(await Rows.TryStoreAsync(session, new UpstreamRenewal("the next", Version), CancellationToken.None));

        await ExpectAsync(row => (row.UpstreamTokens, row.UpstreamVersion) = ("the next", Version + 1));
    }

    [Fact]
    public async Task The_first_refusal_is_written_and_stays()
    {
        await Rows.NoteRefusalAsync(session, Version, Now, CancellationToken.None);
        await Rows.NoteRefusalAsync(session, Version, Now.AddSeconds(1), CancellationToken.None);

        await ExpectAsync(row => row.UpstreamRefusedAt = Now);
    }

    [Theory]
    [InlineData("unknown")]
    [InlineData("older")]
    [InlineData("newer")]
    [InlineData("over")]
    public async Task Nothing_is_written_of_another_session_or_pair_or_of_one_that_is_over(string what)
    {
        if (what == "over")
        {
            await store.ChangeAsync(session, row => row.RevokedAt = Now);
            before = await AllAsync();
        }

        var asked = what == "unknown" ? SessionId.New() : session;
        var version = Version + (what == "older" ? -1 : what == "newer" ? 1 : 0);

        Assert.False(await Rows.TryBeginSpendAsync(asked, version, CancellationToken.None));
        Assert.False(await Rows.TryStoreAsync(asked, new UpstreamRenewal("the next", version), CancellationToken.None));
        await Rows.NoteRefusalAsync(asked, version, Now, CancellationToken.None);

        await ExpectAsync(_ => { });
    }

    private Task<SessionRow[]> AllAsync() => store.InDatabaseAsync(db => db.Sessions.AsNoTracking().OrderBy(row => row.Id).ToArrayAsync());

    /// <summary>The session has changed like this, and nothing else.</summary>
    private async Task ExpectAsync(Action<SessionRow> change)
    {
        change(before.Single(row => row.Id == session.Value));
        Assert.Equivalent(before, await AllAsync(), strict: true);
    }
}
