using System.Threading.Channels;
using Microsoft.Extensions.Caching.Memory;
using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>
/// Takes what is recorded behind the requests' backs, by <see cref="SecurityEventWriter"/>: failed sign-ins, lost responses,
/// refused refreshes. What changes a session or an account is recorded in the transaction that changes it.
/// </summary>
internal sealed class SecurityEvents(TimeProvider time) : IDisposable
{
    /// <summary>How many may wait to be written. One beyond that is dropped.</summary>
    private const int MaxWaiting = 1_000;

    private const int MaxRemembered = 10_000;

    /// <summary>Twenty tabs that were all owed the same answer are one event, and so is a dead cookie that comes back for hours.</summary>
    private static readonly TimeSpan Once = TimeSpan.FromHours(1);

    private readonly Channel<SecurityEvent> waiting = Channel.CreateBounded<SecurityEvent>(
        new BoundedChannelOptions(MaxWaiting) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly MemoryCache recorded = new(new MemoryCacheOptions { SizeLimit = MaxRemembered });

    public ChannelReader<SecurityEvent> Waiting => waiting.Reader;

    /// <summary>Queues an event of an account. Never waits.</summary>
    public void Queue(string kind, UserId user, ClientInfo client) =>
        waiting.Writer.TryWrite(SecurityEvent.Of(kind, user, session: null, client, time.GetUtcNow()));

    /// <summary>Queues an event of a session, once an hour on this node. Never waits.</summary>
    public void Queue(string kind, UserId user, SessionId session, ClientInfo client)
    {
        var now = time.GetUtcNow();
        if (!recorded.TryGetValue((kind, session), out DateTimeOffset last) || now - last >= Once)
        {
            recorded.Set((kind, session), now, new MemoryCacheEntryOptions { Size = 1 });
            waiting.Writer.TryWrite(SecurityEvent.Of(kind, user, session, client, now));
        }
    }

    public void Dispose() => recorded.Dispose();
}
