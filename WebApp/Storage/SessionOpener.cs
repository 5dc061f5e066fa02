using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>Opens sessions. Throws when the database is away; nothing is opened then.</summary>
internal sealed class SessionOpener(
    ISessionRows rows, UpstreamTokenProtector upstream, DatabaseRetry retry, IOptions<SessionsOptions> options, TimeProvider time)
{
    /// <summary>
    /// A commit whose answer was lost leaves a session that nobody holds, whether the site or the person tries again. It ends by
    /// its idle limit.
    /// </summary>
    /// <returns>The grant of the first generation; null if the account is gone, disabled or changed since the proof.</returns>
    public Task<SessionGrant?> OpenAsync(
        AccountProof proof, ClientInfo client, SessionTransport transport, bool persistent, CancellationToken cancellation) =>
        retry.RunAsync(() => TryOpenAsync(proof, client, transport, persistent, cancellation));

    private async Task<SessionGrant?> TryOpenAsync(
        AccountProof proof, ClientInfo client, SessionTransport transport, bool persistent, CancellationToken cancellation)
    {
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
            Transport = transport,
            UpstreamTokens = proof.Upstream is { } tokens ? upstream.Protect(tokens) : null,
            UserAgent = client.UserAgent,
            IpAddress = client.IpAddress,
        };
        return await rows.TryOpenAsync(row, cancellation) is { } opened ? opened.Grant() : null;
    }
}
