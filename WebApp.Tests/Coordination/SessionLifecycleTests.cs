using WebApp.Coordination;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Coordination;

/// <summary>Where sessions begin, and where people end them.</summary>
public sealed class SessionLifecycleTests : IAsyncLifetime
{
    private Store store = null!;
    private Account account = null!;

    private SessionLifecycle Lifecycle =>
        new(store.Get<SessionOpener>(), store.Get<SessionRevoker>(), store.Get<TokenPairs>(), store.Time);

    public async ValueTask InitializeAsync()
    {
        store = await Store.OpenAsync();
        account = await store.OpenAccountAsync("Admin");
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Fact]
    public async Task Whoever_has_proved_who_they_are_gets_the_first_pair()
    {
        var pair = await OpenAsync(account.SecurityStamp!);

        var access = store.Get<AccessTokenReader>().Read(pair!.AccessToken)!;
        Assert.Equal((new UserId(account.Id), Generation.First), (access.User, access.Generation));
        Assert.Equal(The.Beginning + store.Options.AccessTokenLifetime, access.ExpiresAt);
        Assert.Equal(
            new RefreshToken(access.Session, Generation.First, access.User), store.Get<RefreshTokens>().Read(pair.RefreshToken));
    }

    [Fact]
    public async Task An_account_that_changed_since_the_proof_gets_none() => Assert.Null(await OpenAsync("another"));

    [Fact]
    public async Task A_session_that_its_person_ends_is_over()
    {
        var pair = await OpenAsync(account.SecurityStamp!);

        await Lifecycle.EndAsync(pair!.Grant.Session, CancellationToken.None);

        Assert.Equal("revoked", (await store.RowAsync(pair.Grant.Session)).RevokedReason);
    }

    private Task<TokenPair?> OpenAsync(string stamp) => Lifecycle.OpenAsync(
        new AccountProof(new UserId(account.Id), stamp), Some.Client, SessionTransport.Cookie, persistent: false, CancellationToken.None);
}
