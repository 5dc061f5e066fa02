using WebApp.Coordination;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Coordination;

/// <summary>A person whom an upstream issuer knows, with an open session, and an issuer that does what the test says.</summary>
public abstract class UpstreamBench : IAsyncLifetime
{
    private protected const string StorePair = "UPDATE Sessions AS s\nSET UpstreamTokens";

    private protected StubIssuer Issuer { get; } = new();

    private protected Store Store { get; private set; } = null!;

    private protected RefreshToken Token { get; private set; } = null!;

    /// <summary>What the session was opened with.</summary>
    private protected UpstreamTokens First { get; private set; } = null!;

    private protected UpstreamStash Stash => Store.Get<UpstreamStash>();

    public async ValueTask InitializeAsync()
    {
        Store = await Store.OpenAsync(issuer: Issuer);
        Issuer.Time = Store.Time;
        First = Issuer.Issue("Ada", "Baker");
        Token = await OpenAsync(First);
    }

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>A session of somebody else.</summary>
    /// <param name="tokens">What the issuer gave for it; null if it was opened without one.</param>
    private protected async Task<RefreshToken> OpenAsync(UpstreamTokens? tokens)
    {
        var account = await Store.OpenAccountAsync();
        var grant = await Store.OpenSessionAsync(new AccountProof(new UserId(account.Id), account.SecurityStamp!, tokens));
        return new RefreshToken(grant!.Session, grant.Generation, grant.User);
    }

    private protected void Expire() => Store.Time.AdjustTime(Store.Time.GetUtcNow() + StubIssuer.Lifetime);

    private protected Task<ApiToken> AccessAsync(string? refused = null) =>
        Store.Get<UpstreamAccess>().GetAsync(Token.User, Token.Session, refused);

    private protected Task<SessionRow> RowAsync() => Store.RowAsync(Token.Session);

    private protected int Told(int id) => Store.Logs.Entries.Count(entry => entry.Event.Id == id);

    /// <summary>How often a new pair was asked for so far, and where the row stands.</summary>
    private protected async Task ExpectAsync(int spends, int generation, int version)
    {
        var row = await RowAsync();
        Assert.Equal((spends, generation, version), (Issuer.Spends.Count, row.Generation, row.UpstreamVersion));
    }
}
