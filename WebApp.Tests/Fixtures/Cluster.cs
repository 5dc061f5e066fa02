using System.Collections.Concurrent;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using WebApp.Storage;

namespace WebApp.Tests.Fixtures;

/// <summary>
/// Several nodes of the built site, each a process of its own, with the PostgreSQL and the Redis that they share and nginx before
/// them. All of it is stopped with the cluster, whatever happens.
/// </summary>
internal sealed class Cluster : IAsyncDisposable
{
    /// <summary>One for all: it takes a processor longer than all the rest of a sign-in.</summary>
    private static readonly Lazy<string> Hash = new(() => new PasswordHasher<Account>().HashPassword(new Account(), Person.Password));

    private readonly (string Key, string Value)[] settings;
    private readonly List<BuiltSite> nodes = [];
    private readonly ConcurrentQueue<BuiltSite> ended = new();
    private readonly ConcurrentQueue<HttpClient> clients = new();

    private Cluster((string Key, string Value)[] settings) => this.settings = settings;

    public PostgresServer Postgres { get; private set; } = null!;

    public RedisServer Redis { get; private set; } = null!;

    public NginxServer Balancer { get; private set; } = null!;

    public IReadOnlyList<BuiltSite> Nodes => nodes;

    /// <summary>The connection string of the database.</summary>
    public string Database { get; private set; } = "";

    public Journal Journal { get; } = new();

    /// <summary>Through the balancer.</summary>
    public HttpClient Client { get; private set; } = null!;

    /// <param name="count">How many nodes.</param>
    /// <param name="changes">Settings that differ from the defaults.</param>
    public static Task<Cluster> StartAsync(int count, params (string Key, string Value)[] changes) =>
        StartAsync(count, (_, _) => [], changes);

    /// <param name="count">How many nodes.</param>
    /// <param name="each">Settings of one node alone, by its number from 0.</param>
    /// <param name="changes">Settings of all nodes that differ from the defaults.</param>
    public static async Task<Cluster> StartAsync(
        int count, Func<Cluster, int, IEnumerable<(string Key, string Value)>> each, params (string Key, string Value)[] changes)
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
                cluster.nodes.Add(cluster.Run(each(cluster, index)));
            }

            var addresses = await Task.WhenAll(cluster.nodes.Select(node => node.AddressAsync()));
            cluster.Balancer = await NginxServer.StartAsync(addresses);
            cluster.Client = cluster.ClientOf(cluster.Balancer.Address);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>A client of one node, past the balancer.</summary>
    public async Task<HttpClient> ClientOfAsync(int node) => ClientOf(await nodes[node].AddressAsync());

    /// <summary>A client of any address, with no cookies of its own and no limit to its connections.</summary>
    public HttpClient ClientOf(Uri address)
    {
        var client = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false })
        {
            BaseAddress = address,
            Timeout = Patience.Long,
        };
        clients.Enqueue(client);
        return client;
    }

    /// <summary>People with an account each, signed in, and with a journal that knows of nothing yet.</summary>
    public async Task<IReadOnlyList<Person>> PeopleAsync(int count)
    {
        var names = Enumerable.Range(0, count).Select(_ => $"p{Guid.NewGuid():N}").ToList();
        await InDatabaseAsync(async db =>
        {
            db.Users.AddRange(names.Select(name => new Account
            {
                UserName = name,
                NormalizedUserName = name.ToUpperInvariant(),
                PasswordHash = Hash.Value,
                SecurityStamp = Guid.NewGuid().ToString(),
            }));
            return await db.SaveChangesAsync();
        });
        List<Person> people = [.. names.Select(name => new Person(name, Client, Journal, The.WallClock))];
        await Parallel.ForEachAsync(people, async (person, _) => await person.SignInAsync());
        return people;
    }

    public async Task<Person> PersonAsync() => (await PeopleAsync(1))[0];

    /// <summary>Starts a node that has ended again, at its old address. Several nodes may be started at once.</summary>
    public async Task RestartAsync(int node, params (string Key, string Value)[] changes)
    {
        var before = nodes[node];
        ended.Enqueue(before);
        nodes[node] = await before.RunAgainAsync(changes);
        await before.DisposeAsync();
        await nodes[node].AddressAsync();
    }

    /// <summary>
    /// What nodes, those that have ended too, have logged as an error of a request or of the site: its line and those below it.
    /// </summary>
    public IReadOnlyList<string> LoggedErrors() => [.. ended.Concat(nodes).SelectMany(node => node.Output
        .Select((line, index) => (line, index))
        .Where(each => IsError(each.line))
        .Select(each => string.Join('\n', node.Output.Skip(each.index).Take(30))))];

    public Task<SessionRow> SessionAsync(CookiePair pair) =>
        InDatabaseAsync(db => db.Sessions.AsNoTracking().SingleAsync(row => row.Id == pair.Session));

    /// <summary>What is recorded, but for signing in and for lost responses that were made good.</summary>
    public Task<List<SecurityEvent>> EventsAsync() => InDatabaseAsync(db => db.SecurityEvents.AsNoTracking()
        .Where(each => each.Kind != SecurityEventKinds.SignedIn && each.Kind != SecurityEventKinds.Replayed)
        .ToListAsync());

    public async Task<T> InDatabaseAsync<T>(Func<WebAppDb, Task<T>> work)
    {
        await using var db = new PostgreSqlDb(
            new DbContextOptionsBuilder<PostgreSqlDb>().UseNpgsql(Database + ";Pooling=false").Options);
        return await work(db);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in clients)
        {
            client.Dispose();
        }

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

    private static bool IsError(string line) =>
        (line.StartsWith("fail: ", StringComparison.Ordinal) || line.StartsWith("crit: ", StringComparison.Ordinal))
        && !line.Contains("EntityFrameworkCore", StringComparison.Ordinal);

    private BuiltSite Run(IEnumerable<(string Key, string Value)> own) => BuiltSite.Run(
        "Development",
        [
            ("ConnectionStrings:Database", Database), ("ConnectionStrings:Redis", Redis.Configuration),
            ("Sessions:Jitter", "0"), .. settings, .. own,
        ]);
}
