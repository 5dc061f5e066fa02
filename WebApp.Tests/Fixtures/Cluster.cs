using Microsoft.EntityFrameworkCore;
using WebApp.Storage;

namespace WebApp.Tests.Fixtures;

/// <summary>
/// Several nodes of the built site, each a process of its own, with the PostgreSQL and the Redis that they share and nginx before
/// them. All of it is stopped with the cluster, whatever happens.
/// </summary>
internal sealed class Cluster : IAsyncDisposable
{
    private readonly (string Key, string Value)[] settings;
    private readonly List<BuiltSite> nodes = [];

    private Cluster((string Key, string Value)[] settings) => this.settings = settings;

    public PostgresServer Postgres { get; private set; } = null!;

    public RedisServer Redis { get; private set; } = null!;

    public NginxServer Balancer { get; private set; } = null!;

    public IReadOnlyList<BuiltSite> Nodes => nodes;

    public string Database { get; private set; } = "";

    /// <param name="count">How many nodes.</param>
    /// <param name="changes">Settings that differ from the defaults.</param>
    public static async Task<Cluster> StartAsync(int count, params (string Key, string Value)[] changes)
    {
        var cluster = new Cluster(changes);
        try
        {
            cluster.Postgres = await PostgresServer.StartAsync();
            cluster.Redis = await RedisServer.StartAsync();
            cluster.Database = await cluster.Postgres.CreateDatabaseAsync();

            // Together, as a rolling restart of everything does: they must agree on keys.
            for (var index = 0; index < count; index++)
            {
                cluster.nodes.Add(cluster.Run());
            }

            var addresses = await Task.WhenAll(cluster.nodes.Select(node => node.AddressAsync()));
            cluster.Balancer = await NginxServer.StartAsync(addresses);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public async Task<T> InDatabaseAsync<T>(Func<WebAppDb, Task<T>> work)
    {
        await using var db = new PostgreSqlDb(
            new DbContextOptionsBuilder<PostgreSqlDb>().UseNpgsql(Database + ";Pooling=false").Options);
        return await work(db);
    }

    public async ValueTask DisposeAsync()
    {
        if (Balancer is not null)
        {
            await Balancer.DisposeAsync();
        }

        foreach (var node in nodes)
        {
            await node.DisposeAsync();
        }

        if (Redis is not null)
        {
            await Redis.DisposeAsync();
        }

        if (Postgres is not null)
        {
            await Postgres.DisposeAsync();
        }
    }

    private BuiltSite Run() => BuiltSite.Run(
        "Development",
        [("ConnectionStrings:Database", Database), ("ConnectionStrings:Redis", Redis.Configuration), .. settings]);
}
