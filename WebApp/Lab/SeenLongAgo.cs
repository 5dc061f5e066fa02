using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Lab;

/// <summary>
/// Switches replay off without another judge: to whoever reads a row, its generation was seen long ago. The rulings of the site then
/// say of every spent token that it is a copy, which is rotation as it is commonly built.
/// </summary>
internal sealed class SeenLongAgo(ISessionRows rows) : ISessionRows
{
    public async Task<SessionState?> FindAsync(SessionId session, CancellationToken cancellation)
    {
        var found = await rows.FindAsync(session, cancellation);
        found?.Row.SeenAt = DateTimeOffset.UnixEpoch;
        return found;
    }

    public Task<SessionState?> TryOpenAsync(SessionRow row, CancellationToken cancellation) => rows.TryOpenAsync(row, cancellation);

    public Task<bool> TryRotateAsync(
        RefreshToken presented, DateTimeOffset now, DateTimeOffset idleSince, UpstreamRenewal? renewal, CancellationToken cancellation) =>
        rows.TryRotateAsync(presented, now, idleSince, renewal, cancellation);

    public Task<bool> TryRenewAsync(
        SessionId session, Generation current, DateTimeOffset now, DateTimeOffset seenSince, CancellationToken cancellation) =>
        rows.TryRenewAsync(session, current, now, seenSince, cancellation);

    public Task<bool> TryRevokeAsync(
        SessionId session, RefusalReason reason, DateTimeOffset now, SecurityEvent? record, CancellationToken cancellation) =>
        rows.TryRevokeAsync(session, reason, now, record, cancellation);

    public Task MarkSeenAsync(IReadOnlyCollection<SessionProof> proofs, DateTimeOffset now, CancellationToken cancellation) =>
        rows.MarkSeenAsync(proofs, now, cancellation);

    public Task<IReadOnlyList<KeyValuePair<SessionId, RefusalReason>>> RevokedSinceAsync(
        DateTimeOffset since, CancellationToken cancellation) => rows.RevokedSinceAsync(since, cancellation);
}
