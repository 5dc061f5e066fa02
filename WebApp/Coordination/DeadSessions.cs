using Microsoft.Extensions.Caching.Memory;
using WebApp.Tokens;

namespace WebApp.Coordination;

/// <summary>
/// Remembers for a minute which sessions were definitively refused, so that dead cookies cost nothing (scenario 45). Never
/// remembers that something was unavailable.
/// </summary>
internal sealed class DeadSessions(TimeProvider time) : IDisposable
{
    private const int MaxRemembered = 10_000;

    /// <summary>
    /// Short, because a refusal may rest on the time of a node whose clock was wrong (scenario 28): the database gets to say it
    /// again.
    /// </summary>
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(1);

    private readonly MemoryCache refused = new(new MemoryCacheOptions { SizeLimit = MaxRemembered });

    public void Remember(SessionId session, RefusalReason reason) =>
        refused.Set(session, new Refusal(reason, time.GetUtcNow() + Memory), new MemoryCacheEntryOptions { Size = 1 });

    public RefusalReason? ReasonFor(SessionId session) =>
        refused.TryGetValue(session, out Refusal? refusal) && time.GetUtcNow() < refusal!.Until ? refusal.Reason : null;

    public void Dispose() => refused.Dispose();

    private sealed record Refusal(RefusalReason Reason, DateTimeOffset Until);
}
