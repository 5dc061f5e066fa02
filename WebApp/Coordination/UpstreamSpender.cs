using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Locking;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tokens;
using WebApp.Upstream;

namespace WebApp.Coordination;

/// <summary>
/// The one place that spends an upstream refresh token (protocol, "An upstream issuer"). The spending cannot be repeated, so the
/// row says beforehand that it has begun, and its answer is kept until it is stored, whatever the database does meanwhile.
/// </summary>
internal sealed partial class UpstreamSpender(
    IUpstreamIssuer issuer,
    IUpstreamRows rows,
    UpstreamStash stash,
    UpstreamTokenProtector protector,
    SessionRevoker revoker,
    DatabaseRetry retry,
    IOptions<SessionsOptions> options,
    TimeProvider time,
    ILogger<UpstreamSpender> logger)
{
    /// <summary>
    /// How long a refused token is no refusal of the session while somebody else may have spent it: long enough for a node that
    /// was frozen past its lease, or that waits for the database, to store the pair it got.
    /// </summary>
    private TimeSpan Doubt => options.Value.LockWait + options.Value.LockLease;

    /// <summary>
    /// Without the lock somebody else may be spending the same token. On a site of one node, which says so, nobody else is there.
    /// </summary>
    public bool MaySpend(LeaseStatus lease) => lease == LeaseStatus.Held
        || (lease == LeaseStatus.Unavailable && options.Value.WithoutRedis == WithoutRedis.SingleNode);

    /// <summary>
    /// Spends the refresh token that the row holds. To be called under the user's lock, with a row that was read under it. Throws
    /// when the database is away; nothing was spent then.
    /// </summary>
    /// <param name="state">The row, with tokens that can be read.</param>
    /// <param name="deadline">When to give up waiting for the issuer.</param>
    public async Task<Spending> SpendAsync(SessionState state, CancellationToken deadline)
    {
        var session = new SessionId(state.Row.Id);
        var version = state.Row.UpstreamVersion;
        if (stash.Find(session, version) is { } kept)
        {
            return new Spending(UpstreamStatus.Granted, kept, Renewal(kept, version));
        }

        if (!await retry.RunAsync(() => rows.TryBeginSpendAsync(session, version, deadline)))
        {
            // Somebody has stored another pair since, or the session is over: the next look tells.
            return Spending.Unavailable;
        }

        var started = time.GetTimestamp();
        var answer = await issuer.SpendAsync(state.Upstream!, deadline);
        Spent(logger, session, answer.Status, time.GetElapsedTime(started).TotalMilliseconds);
        switch (answer.Status)
        {
            case UpstreamStatus.Granted:
                stash.Keep(session, version, answer.Tokens!);
                return new Spending(UpstreamStatus.Granted, answer.Tokens, Renewal(answer.Tokens!, version));
            case UpstreamStatus.Refused:
                return await RefusedAsync(state, session, deadline) ? Spending.Refused : Spending.Unavailable;
            case UpstreamStatus.Unavailable:
                return Spending.Unavailable;
            default:
                throw new InvalidOperationException($"There is no answer to the status {answer.Status}.");
        }
    }

    private UpstreamRenewal Renewal(UpstreamTokens tokens, int version) => new(protector.Protect(tokens), version);

    /// <summary>True if the refusal ends the session.</summary>
    private async Task<bool> RefusedAsync(SessionState state, SessionId session, CancellationToken deadline)
    {
        var now = time.GetUtcNow();
        if (state.Row.UpstreamSpending && (state.Row.UpstreamRefusedAt is not { } since || now - since < Doubt))
        {
            await retry.RunAsync(async () =>
            {
                await rows.NoteRefusalAsync(session, state.Row.UpstreamVersion, now, deadline);
                return true;
            });
            Doubtful(logger, session);
            return false;
        }

        await revoker.RevokeAsync(session, RefusalReason.UpstreamRefused, CancellationToken.None);
        return true;
    }

    [LoggerMessage(LogEvents.UpstreamSpent, LogLevel.Information,
        "The upstream issuer was asked for a new pair of session {Session}: {Status} in {Milliseconds:0.0} ms.")]
    private static partial void Spent(ILogger logger, SessionId session, UpstreamStatus status, double milliseconds);

    [LoggerMessage(LogEvents.UpstreamDoubtful, LogLevel.Warning,
        "The upstream issuer refused the tokens of session {Session}, which somebody else may have spent; his answer is waited for.")]
    private static partial void Doubtful(ILogger logger, SessionId session);
}

/// <summary>What came of spending, and how to store it.</summary>
internal sealed record Spending(UpstreamStatus Status, UpstreamTokens? Tokens = null, UpstreamRenewal? Renewal = null)
{
    public static Spending Refused { get; } = new(UpstreamStatus.Refused);

    public static Spending Unavailable { get; } = new(UpstreamStatus.Unavailable);
}
