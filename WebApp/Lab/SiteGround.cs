using WebApp.Coordination;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Lab;

/// <summary>The running site, with a session of the lab's own.</summary>
internal sealed class SiteGround : ILabGround
{
    private static readonly ClientInfo Client = ClientInfo.Of("WebApp-Lab", null);

    private readonly TokenPair pair;
    private readonly SessionLifecycle lifecycle;
    private readonly ISessionRows rows;

    private SiteGround(IReadOnlyList<LabNode> nodes, TokenPair pair, SessionLifecycle lifecycle, ISessionRows rows)
    {
        Nodes = nodes;
        this.pair = pair;
        this.lifecycle = lifecycle;
        this.rows = rows;
    }

    public IReadOnlyList<LabNode> Nodes { get; }

    /// <summary>The access token has ended: it is left out.</summary>
    public LabPair Pair => new(access: null, pair.RefreshToken);

    public static async Task<SiteGround> OpenAsync(
        LabNodes nodes, LabAccount account, SessionLifecycle lifecycle, ISessionRows rows, CancellationToken cancellation)
    {
        var all = nodes.All;
        var proof = await account.ProveAsync(cancellation);
        var pair = await lifecycle.OpenAsync(proof, Client, SessionTransport.Cookie, persistent: false, cancellation)
            ?? throw new InvalidOperationException($"The account {LabAccount.Name} is disabled: the lab has nobody to be.");
        return new SiteGround(all, pair, lifecycle, rows);
    }

    public async Task<int> GenerationAsync(CancellationToken cancellation) =>
        await rows.FindAsync(pair.Grant.Session, cancellation) is { } found ? found.Row.Generation : 0;

    /// <summary>Also when the storm was broken off: the lab leaves no session behind.</summary>
    public async ValueTask DisposeAsync() => await lifecycle.EndAsync(pair.Grant.Session, CancellationToken.None);
}
