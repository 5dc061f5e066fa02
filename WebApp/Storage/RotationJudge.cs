using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>
/// Decides who rotates: one conditional statement, then a look at how many rows it changed (protocol, "Rotation: the database
/// judges"). Never throws for a database that is away.
/// </summary>
internal sealed class RotationJudge(
    ISessionRows rows,
    SessionRevoker revoker,
    DatabaseRetry retry,
    IOptions<SessionsOptions> options,
    TimeProvider time)
{
    /// <summary>How often a token is judged whose row moves between two statements each time.</summary>
    private const int MaxLooks = 3;

    /// <param name="presented">A genuine refresh token.</param>
    /// <param name="client">Where it came from, for the record if it is a copy.</param>
    /// <param name="deadline">The refresh's own end. Not a request's: an aborted request must not abort a rotation.</param>
    /// <param name="renewal">A pair of the upstream issuer's that is stored by the statement that rotates; null for none.</param>
    public async Task<RotationVerdict> JudgeAsync(
        RefreshToken presented, ClientInfo client, CancellationToken deadline, UpstreamRenewal? renewal = null)
    {
        if (deadline.IsCancellationRequested)
        {
            return RotationVerdict.Unavailable;
        }

        // Npgsql waits for seconds, on the thread that cancels, for a silent server to take note. Nobody waits for that.
        var statements = new CancellationTokenSource();
        var scheduler = TaskScheduler.Current;
        await using var ending = deadline.Register(() => Task.Factory.StartNew(
            statements.Cancel, CancellationToken.None, TaskCreationOptions.DenyChildAttach, scheduler));
        try
        {
            for (var look = 1; look <= MaxLooks; look++)
            {
                // Judged anew after a fault, and not from where it was: what was lost may have been carried out (scenario 24).
                var judging = retry.RunAsync(() => TryJudgeAsync(presented, client, renewal, statements.Token));
                if (await judging.WaitAsync(deadline) is { } verdict)
                {
                    return verdict;
                }
            }
        }
        catch (Exception unsettled) when (unsettled.IsDatabaseAway()
            || (unsettled is OperationCanceledException && deadline.IsCancellationRequested))
        {
            // Nothing was decided, or nobody knows what: either way the next request may ask again. A fault has been logged.
        }

        return RotationVerdict.Unavailable;
    }

    /// <summary>Why a refresh would be refused now; null if it would not. Changes nothing, and throws when the database is away.</summary>
    public async Task<RefusalReason?> LookAsync(RefreshToken presented, CancellationToken cancellation)
    {
        var state = await retry.RunAsync(() => rows.FindAsync(presented.Session, cancellation));
        var ruling = SessionRulings.For(
            state, presented.Generation, time.GetUtcNow(), options.Value.IdleTimeout, options.Value.ReplayWindow);
        return ruling switch
        {
            SessionRuling.Revoked => RefusalReasonNames.Parse(state?.Row.RevokedReason) ?? RefusalReason.Revoked,
            SessionRuling.Expired => RefusalReason.Expired,
            SessionRuling.AccountChanged => RefusalReason.AccountChanged,
            SessionRuling.Reuse => RefusalReason.Reuse,
            SessionRuling.Replay or SessionRuling.Again => null,
        };
    }

    /// <summary>Null when the row moved between two statements: then nothing was decided.</summary>
    private async Task<RotationVerdict?> TryJudgeAsync(
        RefreshToken presented, ClientInfo client, UpstreamRenewal? renewal, CancellationToken deadline)
    {
        deadline.ThrowIfCancellationRequested();
        var now = time.GetUtcNow();
        if (await rows.TryRotateAsync(presented, now, now - options.Value.IdleTimeout, renewal, deadline))
        {
            // Whoever has ended the session or changed the account since then wins: judged again, the token is a spent one.
            return await rows.FindAsync(presented.Session, deadline) is { IsAlive: true } rotated
                ? new RotationVerdict(
                    RotationStatus.Rotated, rotated.Grant() with { Generation = presented.Generation.Next }, IssuedAt: now)
                : null;
        }

        var state = await rows.FindAsync(presented.Session, deadline);
        var ruling = SessionRulings.For(
            state, presented.Generation, now, options.Value.IdleTimeout, options.Value.ReplayWindow);
        switch (ruling)
        {
            case SessionRuling.Revoked:
                return RotationVerdict.Rejected(RefusalReasonNames.Parse(state?.Row.RevokedReason) ?? RefusalReason.Revoked);
            case SessionRuling.Expired:
                return RotationVerdict.Rejected(RefusalReason.Expired);
            case SessionRuling.AccountChanged:
                return await RefuseAsync(state!, RefusalReason.AccountChanged, client, now, deadline);
            case SessionRuling.Reuse:
                return await RefuseAsync(state!, RefusalReason.Reuse, client, now, deadline);
            case SessionRuling.Replay:
                return await ReplayAsync(state!, now, deadline);
            case SessionRuling.Again:
                return null;
            default:
                throw new InvalidOperationException($"There is no answer to the ruling {ruling}.");
        }
    }

    /// <summary>
    /// A replay keeps an idle session alive, by a statement with all its conditions: a session that was ended since it was read
    /// gets no successor.
    /// </summary>
    private async Task<RotationVerdict?> ReplayAsync(SessionState state, DateTimeOffset now, CancellationToken deadline)
    {
        var grant = state.Grant();
        var window = options.Value.ReplayWindow;

        // Not the time of the first look: between the two another node may have rotated, and a successor that was issued before
        // its generation began would end too early for the rule that a generation does not move twice within two windows.
        var issuedAt = time.GetUtcNow();
        return await rows.TryRenewAsync(grant.Session, grant.Generation, now, now - window, deadline)
            ? new RotationVerdict(
                RotationStatus.Replayed, grant, issuedAt, LostResponse: now - state.Row.RotatedAt > window)
            : null;
    }

    private async Task<RotationVerdict?> RefuseAsync(
        SessionState state, RefusalReason reason, ClientInfo client, DateTimeOffset now, CancellationToken deadline) =>
        await revoker.RevokeWithEventAsync(state.Row, reason, client, now, deadline) ? RotationVerdict.Rejected(reason) : null;
}
