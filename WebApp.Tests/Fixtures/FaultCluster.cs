using System.Net;
using Npgsql;
using WebApp.Tests.Locking;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Fixtures;

/// <summary>A cluster whose every node reaches PostgreSQL and Redis by a way of its own, which a test can disturb.</summary>
internal sealed class FaultCluster : IAsyncDisposable
{
    /// <summary>The statement that moves a session to its next generation, on its way to PostgreSQL.</summary>
    public const string Rotation = "SET \"Generation\"";

    private readonly List<GatedProxy> toDatabase = [];
    private readonly List<GatedProxy> toRedis = [];
    private readonly List<HttpClient> clients = [];

    private FaultCluster()
    {
    }

    public Cluster Cluster { get; private set; } = null!;

    /// <summary>The way of each node to PostgreSQL.</summary>
    public IReadOnlyList<GatedProxy> ToDatabase => toDatabase;

    /// <summary>The way of each node to Redis.</summary>
    public IReadOnlyList<GatedProxy> ToRedis => toRedis;

    /// <summary>A client of each node, past the balancer.</summary>
    public IReadOnlyList<HttpClient> Clients => clients;

    /// <param name="count">How many nodes.</param>
    /// <param name="each">Settings of one node alone, by its number from 0.</param>
    /// <param name="changes">Settings of all nodes that differ from the defaults.</param>
    public static async Task<FaultCluster> StartAsync(
        int count, Func<Cluster, int, IEnumerable<(string Key, string Value)>> each, params (string Key, string Value)[] changes)
    {
        var faults = new FaultCluster();
        try
        {
            faults.Cluster = await Cluster.StartAsync(
                count, (cluster, node) => [.. faults.Wire(cluster), .. each(cluster, node)], changes);
            for (var node = 0; node < count; node++)
            {
                faults.clients.Add(await faults.Cluster.ClientOfAsync(node));
            }

            return faults;
        }
        catch
        {
            await faults.DisposeAsync();
            throw;
        }
    }

    /// <summary>A person who is signed in and whose browser goes to this node.</summary>
    public async Task<Person> PersonAsync(int node) => (await Cluster.PersonAsync()).Twin(clients[node]);

    /// <summary>SIGKILL. What the node has sent and was held is lost with it.</summary>
    public async Task KillAsync(int node)
    {
        await Cluster.Nodes[node].KillAsync();
        toDatabase[node].Cut();
        toRedis[node].Cut();
    }

    /// <summary>The key in Redis of the lock for which refreshes of this session wait.</summary>
    public async Task<string> LockOfAsync(CookiePair session) =>
        RedisNode.KeyOf(new UserId((await Cluster.SessionAsync(session)).UserId));

    /// <summary>
    /// The person goes on at every node, the session has as many generations as there were expiries, and nobody was handed
    /// another one or was signed out.
    /// </summary>
    /// <param name="person">With the pair of the current generation.</param>
    /// <param name="expiries">How often the access token has ended so far.</param>
    public async Task AssertGoesOnAsync(Person person, int expiries)
    {
        foreach (var client in clients)
        {
            var there = person.Twin(client);
            var page = await there.LoadAsync();
            Assert.Equal((HttpStatusCode.OK, false), (page.Status, page.TouchesTokens));

            there.DropAccessToken();
            expiries++;
            var next = await there.LoadAsync();
            Assert.Equal((HttpStatusCode.OK, true, expiries), (next.Status, next.Rotated, next.Pair?.Generation));
            person.Pair = there.Pair;
        }

        var row = await Cluster.SessionAsync(person.Pair);
        Assert.Equal((expiries, null), (row.Generation, row.RevokedAt));
        Assert.Equal(expiries, Cluster.Journal.Newest()[row.Id]);
        Assert.DoesNotContain(await Cluster.EventsAsync(), record => record.SessionId == row.Id);
        Cluster.Journal.AssertNobodyWasSignedOut();
    }

    public async ValueTask DisposeAsync()
    {
        if (Cluster is not null)
        {
            await Cluster.DisposeAsync();
        }

        foreach (var proxy in toDatabase.Concat(toRedis))
        {
            await proxy.DisposeAsync();
        }
    }

    private IEnumerable<(string Key, string Value)> Wire(Cluster cluster)
    {
        var database = GatedProxy.Start(cluster.Postgres.Port);
        toDatabase.Add(database);
        var redis = GatedProxy.Start(cluster.Redis.Port);
        toRedis.Add(redis);

        // In the clear, so that a test can tell one statement from another.
        var connection = new NpgsqlConnectionStringBuilder(cluster.Database) { Port = database.Port, SslMode = SslMode.Disable };
        return
        [
            ("ConnectionStrings:Database", connection.ConnectionString),
            ("ConnectionStrings:Redis", $"127.0.0.1:{redis.Port}"),
        ];
    }
}

/// <summary>The cluster that the tests of one class share. Started by the first of them.</summary>
public abstract class SharedCluster : IAsyncDisposable
{
    private readonly Lazy<Task<FaultCluster>> cluster;

    private protected SharedCluster(Func<Task<FaultCluster>> start) => cluster = new(start);

    internal Task<FaultCluster> StartedAsync() => cluster.Value;

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (cluster is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
        {
            await (await cluster.Value).DisposeAsync();
        }
    }
}
