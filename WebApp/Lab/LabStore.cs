using System.Text.Json;
using Microsoft.Extensions.Caching.Distributed;
using WebApp.Locking;
using WebApp.Telemetry;

namespace WebApp.Lab;

/// <summary>Keeps runs for a while in the distributed cache, where every node finds them. No token is in one.</summary>
internal sealed partial class LabStore(IDistributedCache cache, ILogger<LabStore> logger)
{
    private static readonly DistributedCacheEntryOptions Life = new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromMinutes(30) };

    /// <summary>A cache that is away is no reason to break a storm off: the node that runs it can show it.</summary>
    public async Task SaveAsync(LabRun run)
    {
        try
        {
            await cache.SetAsync(Key(run.Id), JsonSerializer.SerializeToUtf8Bytes(run), Life);
        }
        catch (Exception away) when (away.IsRedisAway())
        {
            NotKept(logger, away, run.Id);
        }
    }

    /// <summary>Null for a run that is unknown, or too old, or was written by another version.</summary>
    public async Task<LabRun?> FindAsync(Guid id, CancellationToken cancellation)
    {
        var found = await cache.GetAsync(Key(id), cancellation);
        try
        {
            return found is null ? null : JsonSerializer.Deserialize<LabRun>(found);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Key(Guid id) => $"lab:{id:N}";

    [LoggerMessage(LogEvents.LabRunNotKept, LogLevel.Warning, "The state of lab run {Run} could not be kept for other nodes.")]
    private static partial void NotKept(ILogger logger, Exception exception, Guid run);
}
