using Microsoft.EntityFrameworkCore;
using WebApp.Tokens;

namespace WebApp.Storage;

/// <inheritdoc cref="IUpstreamRows"/>
internal sealed class UpstreamRows(IDbContextFactory<WebAppDb> databases) : IUpstreamRows
{
    public async Task<bool> TryBeginSpendAsync(SessionId session, int version, CancellationToken cancellation)
    {
        await using var db = await databases.CreateDbContextAsync(cancellation);
        return await At(db, session, version).ExecuteUpdateAsync(
            row => row.SetProperty(each => each.UpstreamSpending, true), cancellation) == 1;
    }

    public async Task<bool> TryStoreAsync(SessionId session, UpstreamRenewal renewal, CancellationToken cancellation)
    {
        await using var db = await databases.CreateDbContextAsync(cancellation);
        return await At(db, session, renewal.Replaces).ExecuteUpdateAsync(row => row.Store(renewal), cancellation) == 1;
    }

    public async Task NoteRefusalAsync(SessionId session, int version, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var db = await databases.CreateDbContextAsync(cancellation);
        await At(db, session, version)
            .Where(row => row.UpstreamRefusedAt == null)
            .ExecuteUpdateAsync(row => row.SetProperty(each => each.UpstreamRefusedAt, now), cancellation);
    }

    private static IQueryable<SessionRow> At(WebAppDb db, SessionId session, int version) => db.Sessions.Where(row =>
        row.Id == session.Value && row.UpstreamVersion == version && row.RevokedAt == null);
}
