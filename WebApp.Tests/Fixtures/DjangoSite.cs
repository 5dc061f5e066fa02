using WebApp.Tests.Locking;
using WebApp.Tokens;

namespace WebApp.Tests.Fixtures;

/// <summary>Nodes behind which a real Django knows the passwords.</summary>
internal sealed class DjangoSite : IAsyncDisposable
{
    private DjangoSite(DjangoServer django, GatedCluster nodes)
    {
        Django = django;
        Nodes = nodes;
    }

    public DjangoServer Django { get; }

    public GatedCluster Nodes { get; }

    public Cluster Cluster => Nodes.Cluster;

    /// <summary>How often Django was asked for a successor, by its own log.</summary>
    public int Spends => Django.Arrived(Paths.Refresh);

    /// <param name="postgres">For Django's database.</param>
    /// <param name="count">How many nodes.</param>
    /// <param name="changes">Settings of all nodes that differ from the defaults.</param>
    public static Task<DjangoSite> StartAsync(SharedPostgres postgres, int count, params (string Key, string Value)[] changes) =>
        // So short that each refresh finds the access token about to end.
        StartAsync(postgres, count, TimeSpan.FromSeconds(5), changes);

    /// <param name="postgres">For Django's database.</param>
    /// <param name="count">How many nodes.</param>
    /// <param name="accessLifetime">How long Django's access tokens last.</param>
    /// <param name="changes">Settings of all nodes that differ from the defaults.</param>
    public static async Task<DjangoSite> StartAsync(
        SharedPostgres postgres, int count, TimeSpan accessLifetime, params (string Key, string Value)[] changes)
    {
        var django = await DjangoServer.StartAsync(postgres, new DjangoOptions { AccessLifetime = accessLifetime });
        try
        {
            return new DjangoSite(django, await GatedCluster.StartAsync(
                count,
                (_, _) => [],
                [
                    ("Upstream:Kind", "SimpleJwt"), ("Upstream:BaseAddress", django.Address.ToString()),
                    ("Upstream:SigningKey", django.Options.SigningKey), .. changes,
                ]));
        }
        catch
        {
            await django.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// As after the start, whatever the test before has left: all run, no way is held up, and Django has answered nobody yet.
    /// </summary>
    public async Task<DjangoSite> RenewAsync()
    {
        await Django.RenewAsync();
        await Nodes.OpenAsync();
        return this;
    }

    /// <summary>An Ada of the test's own, who has just signed in.</summary>
    public async Task<Person> AdaAsync()
    {
        var ada = new Person((await Django.Database.AddAsync()).Name, Cluster.Client, Cluster.Journal, The.WallClock);
        await ada.SignInAsync();
        return ada;
    }

    /// <summary>Her tokens as far as Django has written them down.</summary>
    public Task<IReadOnlyList<DjangoToken>> TokensOfAsync(Person ada) =>
        Django.Database.TokensOfAsync(DjangoUser.Ada with { Name = ada.Name });

    /// <summary>Her browser at one node, with an access token that has ended.</summary>
    public Person ExpiredAt(Person person, int node)
    {
        var there = Nodes.At(person, node);
        there.DropAccessToken();
        return there;
    }

    /// <summary>The key in Redis of the lock for which refreshes of this session wait.</summary>
    public async Task<string> LockOfAsync(Person person) =>
        RedisNode.KeyOf(new UserId((await Cluster.SessionAsync(person.Pair)).UserId));

    public async ValueTask DisposeAsync()
    {
        await Nodes.DisposeAsync();
        await Django.DisposeAsync();
    }

    internal static class Paths
    {
        public const string Refresh = "/api/token/refresh/";
        public const string Blacklist = "/api/token/blacklist/";
        public const string Me = "/api/me/";
    }
}
