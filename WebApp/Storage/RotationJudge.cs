using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Telemetry;
using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>
/// Decides who rotates: one conditional statement, then a look at how many rows it changed (protocol, "Rotation: the database
/// judges"). Never throws for a database that is away.
/// </summary>
internal sealed partial class RotationJudge(
    ISessionRows rows,
    SessionRevoker revoker,
    IOptions<SessionsOptions> options,
    TimeProvider time,
    ILogger<RotationJudge> logger)
{
    /// <summary>
    /// How often a token is judged: each look after the first follows a fault that may pass (a deadlock, a busy file, a commit
    /// of unknown outcome) or a row that moved meanwhile.
    /// </summary>
    private const int MaxAttempts = 3;

    /// <param name="presented">A genuine refresh token.</param>
    /// <param name="client">Where it came from, for the record if it is a copy.</param>
    /// <param name="deadline">The refresh's own end. Not a request's: an aborted request must not abort a rotation.</param>
    public async Task<RotationVerdict> JudgeAsync(RefreshToken presented, ClientInfo client, CancellationToken deadline)
    {
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            try
            {
                if (await TryJudgeAsync(presented, client, deadline) is { } verdict)
                {
                    return verdict;
                }
            }
            catch (Exception away) when (away.IsDatabaseAway())
            {
                DatabaseAway(logger, away, attempt, MaxAttempts);
            }
            catch (OperationCanceledException) when (deadline.IsCancellationRequested)
            {
                break;
            }
        }

        return RotationVerdict.Unavailable;
    }

    /// <summary>Null when the row moved between two statements: then nothing was decided.</summary>
    private async Task<RotationVerdict?> TryJudgeAsync(RefreshToken presented, ClientInfo client, CancellationToken deadline)
    {
        var now = time.GetUtcNow();
        if (await rows.TryRotateAsync(presented, now, now - options.Value.IdleTimeout, deadline))
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
        return await rows.TryRenewAsync(grant.Session, grant.Generation, now, now - window, deadline)
            ? new RotationVerdict(
                RotationStatus.Replayed, grant, IssuedAt: now, LostResponse: now - state.Row.RotatedAt > window)
            : null;
    }

    private async Task<RotationVerdict?> RefuseAsync(
        SessionState state, RefusalReason reason, ClientInfo client, DateTimeOffset now, CancellationToken deadline) =>
        await revoker.RevokeWithEventAsync(state.Row, reason, client, now, deadline) ? RotationVerdict.Rejected(reason) : null;

    [LoggerMessage(LogEvents.DatabaseAway, LogLevel.Warning, "The database did not settle a refresh (attempt {Attempt} of {MaxAttempts}).")]
    private static partial void DatabaseAway(ILogger logger, Exception exception, int attempt, int maxAttempts);
}
