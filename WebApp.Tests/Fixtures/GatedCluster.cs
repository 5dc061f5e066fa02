using Microsoft.EntityFrameworkCore;
using Npgsql;
using WebApp.Storage;
using Xunit;

namespace WebApp.Tests.Fixtures;

/// <summary>A cluster each of whose nodes reaches the database and Redis through proxies of its own.</summary>
internal sealed class GatedCluster : IAsyncDisposable
{
    /// <summary>In the statement that moves a session to its next generation.</summary>
    public const string Rotation = "SET \"Generation\"";

    /// <summary>In the statement that ends a session.</summary>
    public const string Revocation = "SET \"RevokedAt\"";

    /// <summary>In the statement that writes down that a browser holds the current generation.</summary>
    public const string Seen = "SET \"SeenAt\"";

    /// <summary>In the statement that reads a session's row with its account.</summary>
    public const string Look = "\"AspNetUserRoles\"";

    private readonly List<WatchedProxy> toDatabase = [];
    private readonly List<WatchedProxy> toRedis = [];
    private readonly List<HttpClient> clients = [];

    public Cluster Cluster { get; private set; } = null!;

    public Journal Journal => Cluster.Journal;

    /// <summary>The way of each node to the database.</summary>
    public IReadOnlyList<WatchedProxy> ToDatabase => toDatabase;

    /// <summary>The way of each node to Redis.</summary>
    public IReadOnlyList<WatchedProxy> ToRedis => toRedis;

    /// <param name="count">How many nodes.</param>
    /// <param name="each">Settings of one node alone, by its number from 0.</param>
    /// <param name="changes">Settings of all nodes that differ from the defaults.</param>
    public static async Task<GatedCluster> StartAsync(
        int count, Func<Cluster, int, IEnumerable<(string Key, string Value)>> each, params (string Key, string Value)[] changes)
    {
        var gated = new GatedCluster();
        try
        {
            gated.Cluster = await Cluster.StartAsync(count, (cluster, node) => [.. gated.WaysOf(cluster), .. each(cluster, node)], changes);
            return gated;
        }
        catch
        {
            await gated.DisposeAsync();
            throw;
        }
    }

    /// <summary>A client through the balancer that tells of each request just before it is sent, with cookies that are settled.</summary>
    public HttpClient Watched(Gate sent)
    {
        sent.Open();
        var client = new HttpClient(new Watch(sent)) { BaseAddress = Cluster.Balancer.Address, Timeout = Patience.Long };
        clients.Add(client);
        return client;
    }

    /// <summary>The same browser at one node alone, past the balancer.</summary>
    /// <param name="person">Whose cookies it starts with.</param>
    /// <param name="node">The number of the node, from 0.</param>
    /// <param name="journal">Where to write what happens, if it is not to count for the cluster.</param>
    public async Task<Person> AtAsync(Person person, int node, Journal? journal = null) =>
        new(person.Name, await Cluster.ClientOfAsync(node), journal ?? Journal, The.WallClock) { Pair = person.Pair };

    /// <summary>Takes everything out of the database, the schema included. To be called before the first node is started.</summary>
    public static void Empty(string database)
    {
        using var connection = new NpgsqlConnection(database + ";Pooling=false");
        connection.Open();
        using var command = new NpgsqlCommand("DROP SCHEMA public CASCADE; CREATE SCHEMA public", connection);
        command.ExecuteNonQuery();
    }

    /// <summary>Holds this traffic on its way from every node. Opened by <see cref="Open"/>.</summary>
    public IReadOnlyList<Gate> Hold(string part) => [.. toDatabase.Select(way => way.Hold(part))];

    public static void Open(IEnumerable<Gate> gates)
    {
        foreach (var gate in gates)
        {
            gate.Open();
        }
    }

    /// <summary>
    /// Fails unless the sessions live, with exactly so many generations, none beyond the row's was handed out, and nothing was
    /// taken for theft.
    /// </summary>
    public async Task AssertWholeAsync(Person person, int generation)
    {
        var row = await Cluster.SessionAsync(person.Pair);
        Assert.Equal(generation, row.Generation);
        Assert.Null(row.RevokedAt);
        Assert.DoesNotContain(await Cluster.EventsAsync(), record => record.SessionId == row.Id);
    }

    /// <summary>Changes a session's row as time, or another node, would have.</summary>
    public Task ChangeAsync(Person person, Action<SessionRow> change) => Cluster.InDatabaseAsync(async db =>
    {
        var session = person.Pair.Session;
        change(await db.Sessions.SingleAsync(row => row.Id == session));
        return await db.SaveChangesAsync();
    });

    public async ValueTask DisposeAsync()
    {
        clients.ForEach(client => client.Dispose());
        if (Cluster is not null)
        {
            await Cluster.DisposeAsync();
        }

        foreach (var way in toDatabase.Concat(toRedis))
        {
            await way.DisposeAsync();
        }
    }

    private IEnumerable<(string Key, string Value)> WaysOf(Cluster cluster)
    {
        var database = WatchedProxy.Before(cluster.Postgres.Port);
        var redis = WatchedProxy.Before(cluster.Redis.Port);
        toDatabase.Add(database);
        toRedis.Add(redis);
        var connection = new NpgsqlConnectionStringBuilder(cluster.Database) { Port = database.Port, SslMode = SslMode.Disable };
        yield return ("ConnectionStrings:Database", connection.ConnectionString);
        yield return ("ConnectionStrings:Redis", $"127.0.0.1:{redis.Port}");
    }

    private sealed class Watch(Gate sent) : DelegatingHandler(
        new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false })
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            await sent.PassAsync();
            return await base.SendAsync(request, cancellationToken);
        }
    }
}

/// <summary>The one cluster of a class of tests, whose faults leave it whole again. Started by the first of them.</summary>
public abstract class SharedGatedCluster : IAsyncDisposable
{
    private readonly Lazy<Task<GatedCluster>> cluster;

    private protected SharedGatedCluster(Func<Task<GatedCluster>> start) => cluster = new(start);

    internal Task<GatedCluster> OnceAsync() => cluster.Value;

    public async ValueTask DisposeAsync()
    {
        if (cluster is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
        {
            await (await cluster.Value).DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }
}
