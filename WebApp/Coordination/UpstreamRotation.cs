using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Locking;
using WebApp.Storage;
using WebApp.Tokens;
using WebApp.Upstream;

namespace WebApp.Coordination;

/// <summary>
/// A rotation of a session whose person an upstream issuer knows. If the issuer's access token is about to end, its refresh
/// token is spent first, and the new pair is stored by the statement that rotates. A replay never spends.
/// </summary>
internal sealed class UpstreamRotation(
    RotationJudge judge,
    ISessionRows rows,
    UpstreamSpender spender,
    UpstreamStash stash,
    SessionRevoker revoker,
    DatabaseRetry retry,
    IOptions<SessionsOptions> options,
    TimeProvider time)
{
    /// <param name="presented">A genuine refresh token.</param>
    /// <param name="client">Where it came from.</param>
    /// <param name="lease">What came of waiting for the user's lock.</param>
    /// <param name="deadline">The refresh's own end.</param>
    public async Task<RotationVerdict> JudgeAsync(
        RefreshToken presented, ClientInfo client, LeaseStatus lease, CancellationToken deadline)
    {
        try
        {
            var state = await retry.RunAsync(() => rows.FindAsync(presented.Session, deadline)).WaitAsync(deadline);
            if (state is null || !MustSpend(state, presented))
            {
                return await judge.JudgeAsync(presented, client, deadline);
            }

            if (state.Upstream is null)
            {
                // The tokens cannot be read any more, or the session was opened before there was an issuer.
                await revoker.RevokeAsync(presented.Session, RefusalReason.UpstreamRefused, deadline);
                return RotationVerdict.Rejected(RefusalReason.UpstreamRefused);
            }

            return spender.MaySpend(lease) ? await SpendAsync(state, presented, client, deadline) : RotationVerdict.Unavailable;
        }
        catch (Exception unsettled) when (unsettled.IsDatabaseAway()
            || (unsettled is OperationCanceledException && deadline.IsCancellationRequested))
        {
            // Nothing was spent, or what was got is kept: the next request may ask again. A fault has been logged.
            return RotationVerdict.Unavailable;
        }
    }

    private async Task<RotationVerdict> SpendAsync(
        SessionState state, RefreshToken presented, ClientInfo client, CancellationToken deadline)
    {
        var spending = await spender.SpendAsync(state, deadline);
        switch (spending.Status)
        {
            case UpstreamStatus.Refused:
                return RotationVerdict.Rejected(RefusalReason.UpstreamRefused);
            case UpstreamStatus.Unavailable:
                return RotationVerdict.Unavailable;
            case UpstreamStatus.Granted:
                // From here on there is something to lose: the statement has an end of its own.
                using (var storing = new CancellationTokenSource(options.Value.LockWait + options.Value.LockLease, time))
                {
                    var verdict = await judge.JudgeAsync(presented, client, storing.Token, spending.Renewal);
                    stash.Settle(presented.Session, verdict.Status == RotationStatus.Rotated);
                    return verdict;
                }

            default:
                throw new InvalidOperationException($"There is no answer to the status {spending.Status}.");
        }
    }

    /// <summary>Whether this token is the current one of a living session, whose upstream tokens are about to end.</summary>
    private bool MustSpend(SessionState state, RefreshToken presented)
    {
        var now = time.GetUtcNow();
        var ruling = SessionRulings.For(
            state, presented.Generation, now, options.Value.IdleTimeout, options.Value.ReplayWindow);
        return ruling == SessionRuling.Again && (state.Upstream?.IsDue(now) ?? true);
    }
}
