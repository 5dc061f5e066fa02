using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Locking;
using WebApp.Storage;
using WebApp.Tokens;
using WebApp.Upstream;

namespace WebApp.Coordination;

/// <summary>
/// The upstream access token of a session, for calls that the site makes for its person. One that has ended, or that the API has
/// refused, is renewed once for everybody who asks, under the same lock as a rotation. The session's generation does not move:
/// the browser's pair is as good as before.
/// </summary>
internal sealed class UpstreamAccess(
    IUserLock locks,
    ISessionRows rows,
    IUpstreamRows upstreamRows,
    UpstreamSpender spender,
    UpstreamStash stash,
    DatabaseRetry retry,
    IOptions<SessionsOptions> options,
    TimeProvider time)
{
    private readonly Flights<SessionId, ApiToken> flights = new();

    /// <param name="user">Whose session it is.</param>
    /// <param name="session">A session whose access token was in force when the request arrived.</param>
    /// <param name="refused">The token that the API has just refused; null if none has been tried.</param>
    public async Task<ApiToken> GetAsync(UserId user, SessionId session, string? refused)
    {
        try
        {
            var state = await retry.RunAsync(() => rows.FindAsync(session, CancellationToken.None));
            return Usable(state, refused) ?? await flights.JoinAsync(session, () => RenewAsync(user, session, refused));
        }
        catch (Exception away) when (away.IsDatabaseAway())
        {
            return ApiToken.Unavailable;
        }
    }

    private async Task<ApiToken> RenewAsync(UserId user, SessionId session, string? refused)
    {
        await using var lease = await locks.AcquireAsync(user);
        using var deadline = new CancellationTokenSource(options.Value.LockWait + options.Value.LockLease, time);
        try
        {
            // Whoever held the lock before may have renewed it.
            var state = await retry.RunAsync(() => rows.FindAsync(session, deadline.Token));
            if (Usable(state, refused) is { } usable)
            {
                return usable;
            }

            if (!spender.MaySpend(lease.Status))
            {
                return ApiToken.Unavailable;
            }

            var spending = await spender.SpendAsync(state!, deadline.Token);
            return spending.Status switch
            {
                UpstreamStatus.Granted => await StoreAsync(session, spending),
                UpstreamStatus.Refused => ApiToken.Refused(RefusalReason.UpstreamRefused),
                UpstreamStatus.Unavailable => ApiToken.Unavailable,
            };
        }
        catch (Exception unsettled) when (unsettled.IsDatabaseAway()
            || (unsettled is OperationCanceledException && deadline.IsCancellationRequested))
        {
            return ApiToken.Unavailable;
        }
    }

    /// <summary>A pair that could not be stored yet is used all the same: it is kept, and stored as soon as that is possible.</summary>
    private async Task<ApiToken> StoreAsync(SessionId session, Spending spending)
    {
        var stored = false;
        try
        {
            stored = await retry.RunAsync(() => upstreamRows.TryStoreAsync(session, spending.Renewal!, CancellationToken.None));
        }
        catch (Exception away) when (away.IsDatabaseAway())
        {
            // It has been logged, and the stash goes on.
        }

        stash.Settle(session, stored);
        return ApiToken.Of(spending.Tokens!.Access);
    }

    /// <summary>The answer that needs no renewal; null if one is needed.</summary>
    private ApiToken? Usable(SessionState? state, string? refused)
    {
        if (state is not { IsAlive: true, Upstream: { } tokens })
        {
            return ApiToken.Refused(RefusalReasonNames.Parse(state?.Row.RevokedReason) ?? RefusalReason.Revoked);
        }

        return tokens.IsDue(time.GetUtcNow()) || tokens.Access == refused ? null : ApiToken.Of(tokens.Access);
    }
}
