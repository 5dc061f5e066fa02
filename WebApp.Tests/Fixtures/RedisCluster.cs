using System.Globalization;

namespace WebApp.Tests.Fixtures;

/// <summary>A real Redis Cluster of three masters, each with a third of the slots.</summary>
internal sealed class RedisCluster : IAsyncDisposable
{
    private const int Slots = 16384;

    private readonly List<RedisServer> servers = [];

    private RedisCluster()
    {
    }

    public IReadOnlyList<RedisServer> Servers => servers;

    /// <summary>What goes into <c>ConnectionStrings:Redis</c>: one node is enough, the others are found.</summary>
    public string Configuration => servers[0].Configuration;

    public static async Task<RedisCluster> StartAsync()
    {
        var cluster = new RedisCluster();
        try
        {
            await cluster.FormAsync(3);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in servers)
        {
            await server.DisposeAsync();
        }
    }

    private async Task FormAsync(int count)
    {
        var buses = new List<int>();
        var formed = new List<Task>();
        for (var index = 0; index < count; index++)
        {
            buses.Add(RedisServer.FreePort());
            servers.Add(await RedisServer.StartAsync(
                "--cluster-enabled", "yes", "--cluster-port", buses[index].ToString(CultureInfo.InvariantCulture)));
            formed.Add(servers[index].SaysAsync("Cluster state changed: ok"));
        }

        for (var index = 0; index < count; index++)
        {
            await servers[index].TellAsync($"CLUSTER ADDSLOTSRANGE {Slots * index / count} {(Slots * (index + 1) / count) - 1}");
            await servers[index].TellAsync($"CLUSTER SET-CONFIG-EPOCH {index + 1}");
        }

        for (var index = 1; index < count; index++)
        {
            await servers[0].TellAsync($"CLUSTER MEET 127.0.0.1 {servers[index].Port} {buses[index]}");
        }

        await Task.WhenAll(formed);

        // What is published travels by links between the nodes, which may still be made when all slots are known.
        foreach (var server in servers)
        {
            await Waiting.UntilAsync(async () => ((string)(await server.AskAsync("CLUSTER", "NODES"))!)
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Count(node => node.Contains(" connected ", StringComparison.Ordinal)) == count);
        }
    }
}
