namespace WebApp.Tests.Fixtures;

/// <summary>The one cluster of a class of tests. Started by the first of them.</summary>
public abstract class SharedCluster : IAsyncDisposable
{
    private readonly Lazy<Task<GatedCluster>> cluster;

    private protected SharedCluster(Func<Task<GatedCluster>> start) => cluster = new(start);

    /// <inheritdoc cref="GatedCluster.OpenAsync"/>
    internal async Task<GatedCluster> StartedAsync()
    {
        var started = await cluster.Value;
        await started.OpenAsync();
        return started;
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (cluster is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
        {
            await (await cluster.Value).DisposeAsync();
        }
    }
}
