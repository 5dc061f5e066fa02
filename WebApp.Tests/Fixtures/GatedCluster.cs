using System.Net;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using WebApp.Storage;
using WebApp.Tests.Locking;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Fixtures;

/// <summary>A cluster each of whose nodes reaches PostgreSQL and Redis by ways of its own, which a test can disturb.</summary>
internal sealed class GatedCluster : IAsyncDisposable
{
    private readonly List<TcpProxy> toDatabase = [];
    private readonly List<TcpProxy> toRedis = [];
    private readonly List<HttpClient> clients = [];

    private GatedCluster()
    {
    }

    public Cluster Cluster { get; private set; } = null!;

    public Journal Journal => Cluster.Journal;

    /// <summary>The way of each node to PostgreSQL.</summary>
    public IReadOnlyList<TcpProxy> ToDatabase => toDatabase;

    /// <summary>The way of each node to Redis.</summary>
    public IReadOnlyList<TcpProxy> ToRedis => toRedis;

    /// <summary>A client of each node, past the balancer.</summary>
    public IReadOnlyList<HttpClient> Clients => clients;

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
            gated.clients.AddRange(await Task.WhenAll(Enumerable.Range(0, count).Select(gated.Cluster.ClientOfAsync)));
            return gated;
        }
        catch
        {
            await gated.DisposeAsync();
            throw;
        }
    }

    /// <summary>The same browser at one node alone, past the balancer.</summary>
    /// <param name="person">Whose cookies it starts with.</param>
    /// <param name="node">The number of the node, from 0.</param>
    /// <param name="journal">Where to write what happens, if it is not to count for the cluster.</param>
    public Person At(Person person, int node, Journal? journal = null) =>
        new(person.Name, clients[node], journal ?? Journal, The.WallClock) { Pair = person.Pair };

    /// <summary>A person who is signed in and whose browser goes to this node.</summary>
    public async Task<Person> PersonAsync(int node) => At(await Cluster.PersonAsync(), node);

    /// <summary>A person at the first node whose access token has ended, and the pair of before.</summary>
    public async Task<(Person Person, CookiePair Session)> ExpiredAsync()
    {
        var person = await PersonAsync(0);
        var session = person.Pair;
        person.DropAccessToken();
        return (person, session);
    }

    /// <summary>All nodes run and all ways are open, even if the test before has failed halfway.</summary>
    public async Task OpenAsync()
    {
        foreach (var way in toDatabase.Concat(toRedis))
        {
            way.IsDown = false;
            way.Release();
        }

        for (var node = 0; node < Cluster.Nodes.Count; node++)
        {
            if (Cluster.Nodes[node].HasEnded)
            {
                await Cluster.RestartAsync(node);
            }

            await Cluster.Nodes[node].ThawAsync();
        }
    }

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

    /// <summary>Changes a session's row as time, or another node, would have.</summary>
    public Task ChangeAsync(Person person, Action<SessionRow> change) => Cluster.InDatabaseAsync(async db =>
    {
        var session = person.Pair.Session;
        change(await db.Sessions.SingleAsync(row => row.Id == session));
        return await db.SaveChangesAsync();
    });

    /// <summary>
    /// Fails unless the session lives, with exactly so many generations, none beyond the row's was handed out, and nothing was
    /// taken for theft.
    /// </summary>
    public async Task AssertWholeAsync(Person person, int generation)
    {
        var row = await Cluster.SessionAsync(person.Pair);
        Assert.Equal((generation, null), (row.Generation, row.RevokedAt));
        Assert.InRange(Journal.Newest().GetValueOrDefault(row.Id), 0, generation);
        Assert.DoesNotContain(await Cluster.EventsAsync(), record => record.SessionId == row.Id);
    }

    /// <summary>The person is served by every node, and all of <see cref="AssertRefreshesAsync"/>.</summary>
    /// <param name="person">With the pair of the current generation, whose access token is in force.</param>
    /// <param name="generation">How often the access token has ended so far.</param>
    public async Task AssertGoesOnAsync(Person person, int generation)
    {
        await AssertServedAsync(person);
        await AssertRefreshesAsync(person, generation);
    }

    /// <summary>
    /// The session is whole, refreshes on every node, is served by all after each time without another refresh, and nobody was
    /// signed out.
    /// </summary>
    /// <param name="person">With the pair of the current generation.</param>
    /// <param name="generation">How often the access token has ended so far.</param>
    public async Task AssertRefreshesAsync(Person person, int generation)
    {
        await AssertWholeAsync(person, generation);
        foreach (var client in clients)
        {
            person.DropAccessToken();
            var there = person.Twin(client);
            var next = await there.LoadAsync();
            Assert.Equal((HttpStatusCode.OK, true, ++generation), (next.Status, next.Rotated, next.Pair?.Generation));
            person.Pair = there.Pair;
            await AssertServedAsync(person);
        }

        await AssertWholeAsync(person, generation);
        Journal.AssertNobodyWasSignedOut();
    }

    public async ValueTask DisposeAsync()
    {
        if (Cluster is not null)
        {
            await Cluster.DisposeAsync();
        }

        foreach (var way in toDatabase.Concat(toRedis))
        {
            await way.DisposeAsync();
        }
    }

    private async Task AssertServedAsync(Person person)
    {
        var pages = await Task.WhenAll(clients.Select(client => person.Twin(client).LoadAsync()));
        Assert.All(pages, page => Assert.Equal((HttpStatusCode.OK, false), (page.Status, page.TouchesTokens)));
    }

    private IEnumerable<(string Key, string Value)> WaysOf(Cluster cluster)
    {
        var (database, redis) = (TcpProxy.To(cluster.Postgres.Port), TcpProxy.To(cluster.Redis.Port));
        toDatabase.Add(database);
        toRedis.Add(redis);

        // In the clear, so that a test can tell one statement from another; and one statement at a time, so that it can tell their
        // answers: a connection that is used again would ask to be reset first.
        var connection = new NpgsqlConnectionStringBuilder(cluster.Database)
        {
            Port = database.Port,
            SslMode = SslMode.Disable,
            NoResetOnClose = true,
        };
        return
        [
            ("ConnectionStrings:Database", connection.ConnectionString),
            ("ConnectionStrings:Redis", $"127.0.0.1:{redis.Port}"),
        ];
    }
}
