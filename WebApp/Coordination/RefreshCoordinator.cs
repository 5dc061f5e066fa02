using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Locking;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tokens;

namespace WebApp.Coordination;

/// <summary>
/// One refresh for everybody who asks at once: one flight per presented token on this node, one at a time per user on all
/// nodes, decided by the database (protocol, "The coordinator").
/// </summary>
internal sealed partial class RefreshCoordinator(
    IUserLock locks,
    RotationJudge judge,
    TokenPairs pairs,
    RevokedSessions revoked,
    DeadSessions dead,
    RefreshBudget budget,
    IOptions<SessionsOptions> options,
    SessionMetrics metrics,
    SecurityEvents events,
    TimeProvider time,
    ILogger<RefreshCoordinator> logger,
    UpstreamRotation? upstream = null)
{
    private readonly Flights<(SessionId, Generation), RefreshOutcome> flights = new();

    /// <summary>Refreshes under way on this node.</summary>
    public int UnderWay => flights.Count;

    /// <summary>
    /// Refreshes the session that a genuine refresh token names. The returned task ends with the refresh itself; a caller that
    /// leaves earlier leaves by its own token.
    /// </summary>
    public Task<RefreshOutcome> RefreshAsync(RefreshToken presented, ClientInfo client)
    {
        if ((revoked.ReasonFor(presented.Session) ?? dead.ReasonFor(presented.Session)) is { } reason)
        {
            return Task.FromResult(RefreshOutcome.Rejected(reason));
        }

        return flights.JoinAsync((presented.Session, presented.Generation), () => FlyAsync(presented, client));
    }

    private async Task<RefreshOutcome> FlyAsync(RefreshToken presented, ClientInfo client)
    {
        var started = time.GetTimestamp();
        try
        {
            var outcome = await DecideAsync(presented, client);
            if (outcome.Status is RefreshStatus.Rotated or RefreshStatus.Replayed
                && revoked.ReasonFor(presented.Session) is { } ended)
            {
                // Ended since the decision: giving the lock back to a silent Redis takes more than a second, and whoever signs
                // out wins within one (scenario 31).
                outcome = RefreshOutcome.Rejected(ended);
            }

            var reason = outcome.Status == RefreshStatus.Rejected ? outcome.Reason.Name() : null;
            var duration = time.GetElapsedTime(started);
            metrics.Refreshed(Name(outcome.Status), reason, duration);
            Decided(logger, presented.Session, presented.Generation, outcome.Status, reason, duration.TotalMilliseconds);
            return outcome;
        }
        catch (Exception failure)
        {
            // Every passenger may have left: nobody else would tell.
            Failed(logger, failure, presented.Session);
            throw;
        }
    }

    private async Task<RefreshOutcome> DecideAsync(RefreshToken presented, ClientInfo client)
    {
        if (!budget.TryTake(presented.Session))
        {
            return RefreshOutcome.Unavailable;
        }

        var waiting = time.GetTimestamp();
        await using var lease = await locks.AcquireAsync(presented.User);
        metrics.WaitedForLock(time.GetElapsedTime(waiting));
        if (lease.Status == LeaseStatus.Unavailable)
        {
            metrics.LockUnavailable();
        }

        // The decision's own end. Whoever asked for it may be gone long before. Counted from here, because the wait has bounds of
        // its own: a Redis that is slow must not leave the database too little time to settle the matter (scenario 22).
        using var deadline = new CancellationTokenSource(options.Value.LockWait + options.Value.LockLease, time);

        // Decided from the row as it is now, and never from what was known before the wait. With or without the lock: it only
        // saves the losers a statement.
        var verdict = upstream is null
            ? await judge.JudgeAsync(presented, client, deadline.Token)
            : await upstream.JudgeAsync(presented, client, lease.Status, deadline.Token);
        switch (verdict.Status)
        {
            case RotationStatus.Rotated:
                return Granted(RefreshStatus.Rotated, verdict);
            case RotationStatus.Replayed:
                metrics.Replayed(verdict.LostResponse ? "lost_response" : "concurrent");
                if (verdict.LostResponse)
                {
                    events.Queue(SecurityEventKinds.Replayed, presented.User, presented.Session, client);
                }

                return Granted(RefreshStatus.Replayed, verdict);
            case RotationStatus.Rejected:
                dead.Remember(presented.Session, verdict.Reason!.Value);
                if (IsNews(verdict.Reason.Value))
                {
                    events.Queue(SecurityEventKinds.RefreshRefused, presented.User, presented.Session, client);
                }

                return RefreshOutcome.Rejected(verdict.Reason.Value);
            case RotationStatus.Unavailable:
                return RefreshOutcome.Unavailable;
            default:
                throw new InvalidOperationException($"There is no answer to the verdict {verdict.Status}.");
        }
    }

    private RefreshOutcome Granted(RefreshStatus status, RotationVerdict verdict) =>
        RefreshOutcome.Granted(status, pairs.Issue(verdict.Grant!, verdict.IssuedAt), time.GetTimestamp());

    /// <summary>Whether the refusal is on no record yet: the judge records what ends a session.</summary>
    private static bool IsNews(RefusalReason reason) =>
        reason is not (RefusalReason.Reuse or RefusalReason.AccountChanged or RefusalReason.UpstreamRefused);

    private static string Name(RefreshStatus status) => status switch
    {
        RefreshStatus.Rotated => "rotated",
        RefreshStatus.Replayed => "replayed",
        RefreshStatus.Rejected => "rejected",
        RefreshStatus.Unavailable => "unavailable",
    };

    [LoggerMessage(LogEvents.RefreshDecided, LogLevel.Information,
        "Refresh of session {Session}, generation {Generation}: {Status} {Reason} in {Milliseconds:0.0} ms.")]
    private static partial void Decided(
        ILogger logger, SessionId session, Generation generation, RefreshStatus status, string? reason, double milliseconds);

    [LoggerMessage(LogEvents.RefreshFailed, LogLevel.Error, "The refresh of session {Session} failed; this is a defect.")]
    private static partial void Failed(ILogger logger, Exception exception, SessionId session);
}
