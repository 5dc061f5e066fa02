using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>
/// The sessions that were revoked so recently that an access token of theirs may not have expired. The request path asks this
/// memory and nothing else (protocol, "Revocation without a look-up per request").
/// </summary>
internal sealed class RevokedSessions(IOptions<SessionsOptions> options, TimeProvider time)
{
    /// <summary>
    /// How much longer than its lifetime an access token may be in force: its end is rounded up to a whole second, and nodes'
    /// clocks differ by a few.
    /// </summary>
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<SessionId, Entry> entries = new();

    /// <summary>Told after this node has ended a session, on the way of whoever ended it: a listener neither waits nor throws.</summary>
    public event Action<SessionId>? EndedHere;

    public int Count => entries.Count;

    /// <summary>How long after its end a session stays in this memory.</summary>
    public TimeSpan Retention => options.Value.AccessTokenLifetime + Slack;

    /// <summary>
    /// Remembers from now on, which is after the commit. The time in the row is from before it, and a revocation may have waited
    /// for another writer while a rotation issued one more token.
    /// </summary>
    public void Add(SessionId session, RefusalReason reason) =>
        entries.TryAdd(session, new Entry(reason, time.GetUtcNow() + Retention));

    /// <summary>Remembers a session that this node has ended, and tells.</summary>
    public void AddEndedHere(SessionId session, RefusalReason reason)
    {
        Add(session, reason);
        EndedHere?.Invoke(session);
    }

    /// <summary>Why the session was revoked, or null if it was not, as far as this node knows.</summary>
    public RefusalReason? ReasonFor(SessionId session) => entries.TryGetValue(session, out var entry) ? entry.Reason : null;

    /// <summary>Drops the sessions whose last access token has expired.</summary>
    public void Forget()
    {
        var now = time.GetUtcNow();
        foreach (var (session, entry) in entries)
        {
            if (entry.Until <= now)
            {
                entries.TryRemove(session, out _);
            }
        }
    }

    private sealed record Entry(RefusalReason Reason, DateTimeOffset Until);
}
