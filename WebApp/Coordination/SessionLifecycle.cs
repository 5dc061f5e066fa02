using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Coordination;

/// <summary>Where sessions begin and where people end them. Both throw when the database is away, and change nothing then.</summary>
internal sealed class SessionLifecycle(SessionOpener opener, SessionRevoker revoker, TokenPairs pairs, TimeProvider time)
{
    /// <summary>Opens a session for a person who has just proved who they are.</summary>
    /// <returns>The first pair; null if the account is disabled or has changed since the proof.</returns>
    public async Task<TokenPair?> OpenAsync(
        AccountProof proof, ClientInfo client, SessionTransport transport, bool persistent, CancellationToken cancellation)
    {
        var issuedAt = time.GetUtcNow();
        return await opener.OpenAsync(proof, client, transport, persistent, cancellation) is { } grant
            ? pairs.Issue(grant, issuedAt)
            : null;
    }

    /// <summary>Ends a session because its person asked for it.</summary>
    public Task EndAsync(SessionId session, CancellationToken cancellation) =>
        revoker.RevokeAsync(session, RefusalReason.Revoked, cancellation);
}
