using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using StackExchange.Redis;
using Xunit;

[assembly: AssemblyFixture(typeof(WebApp.Tests.Fixtures.SharedRedis))]

namespace WebApp.Tests.Fixtures;

/// <summary>The one Redis that tests share which only use it. Started by the first of them.</summary>
public sealed class SharedRedis : IAsyncDisposable
{
    private readonly Lazy<Task<RedisServer>> server = new(() => RedisServer.StartAsync());

    internal Task<RedisServer> ServerAsync() => server.Value;

    public async ValueTask DisposeAsync()
    {
        if (server is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
        {
            await (await server.Value).DisposeAsync();
        }
    }
}

/// <summary>
/// A real Redis on a free loopback port, with nothing kept on disk. A test that kills or pauses one starts its own. Where none
/// is installed the test is skipped and says so; with <c>CI=true</c> it fails.
/// </summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private const string Program = "redis-server";

    /// <summary>Kills Redis when the input ends: with this process, even if it is killed itself.</summary>
    private const string Keeper = """
        "$@" & exec >/dev/null; cat; kill -9 $!; wait
        """;

    /// <summary>SUBSCRIBE and GET are missing, because every connection sends one as it opens.</summary>
    private static readonly string[] Work = ["set", "del", "pexpire", "publish", "eval", "evalsha", "script|load", "hmget", "hset"];

    /// <summary>The free port may be taken by somebody else before Redis has it.</summary>
    private const int MaxPorts = 5;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("webapp-redis-");
    private readonly List<ConnectionMultiplexer> connections = [];
    private readonly ConcurrentDictionary<string, TaskCompletionSource> listeners = new();
    private readonly string[] options;
    private readonly string readyLine;
    private Process? keeper;
    private Task ended = Task.CompletedTask;

    private RedisServer(string[] options, string readyLine)
    {
        this.options = options;
        this.readyLine = readyLine;
    }

    public int Port { get; private set; }

    /// <summary>What a Sentinel reads first and rewrites as it learns; other servers have none.</summary>
    private string SentinelFile => Path.Combine(folder.FullName, "sentinel.conf");

    /// <summary>False once it was killed.</summary>
    public bool Runs => keeper is not null;

    /// <summary>What goes into <c>ConnectionStrings:Redis</c>.</summary>
    public string Configuration => $"127.0.0.1:{Port}";

    /// <param name="options">What is added to the command line, as Redis reads it.</param>
    public static Task<RedisServer> StartAsync(params string[] options) => RunAsync(new RedisServer(
        ["--save", "", "--appendonly", "no", "--notify-keyspace-events", "KEA", .. options], "Ready to accept connections"));

    /// <summary>A Sentinel that watches a master, calls it by a name, and has heard of its replica.</summary>
    public static async Task<RedisServer> StartSentinelAsync(string name, RedisServer master)
    {
        var sentinel = new RedisServer(["--sentinel"], "+monitor master");
        File.WriteAllLines(sentinel.SentinelFile,
        [
            $"sentinel monitor {name} 127.0.0.1 {master.Port} 1",
            $"sentinel down-after-milliseconds {name} 500",
            $"sentinel failover-timeout {name} 5000",
        ]);
        var heard = sentinel.SaysAsync("+slave slave");
        await RunAsync(sentinel);
        await heard;

        // It tells an old master that it is one no longer four such periods after the failover, of two seconds each by default.
        await sentinel.TellAsync("SENTINEL DEBUG info-period 200 publish-period 200");
        return sentinel;
    }

    /// <summary>A port where nothing listens.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>A connection of the test's own, closed with the server.</summary>
    public async Task<ConnectionMultiplexer> ConnectAsync()
    {
        var connection = await ConnectionMultiplexer.ConnectAsync($"{Configuration},allowAdmin=true");
        connections.Add(connection);
        return connection;
    }

    /// <summary>Sends a command as it is written.</summary>
    public async Task<RedisResult> AskAsync(string command, params object[] arguments)
    {
        await using var connection = await ConnectionMultiplexer.ConnectAsync($"{Configuration},allowAdmin=true");
        return await connection.GetDatabase().ExecuteAsync(command, arguments);
    }

    /// <summary>
    /// Sends a command without a client, which would first wait for a Cluster that is whole and knows little of what a Sentinel can do.
    /// </summary>
    public async Task TellAsync(string command)
    {
        using var connection = new TcpClient();
        await connection.ConnectAsync(IPAddress.Loopback, Port);
        using var stream = connection.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"{command}\r\n"));
        using var answers = new StreamReader(stream);
        Assert.Equal("+OK", await answers.ReadLineAsync().InTime());
    }

    /// <summary>Hears of all that happens to a key from now on (Redis, "Keyspace notifications").</summary>
    public async Task<KeyEvents> WatchAsync(string key)
    {
        var connection = await ConnectAsync();
        return new KeyEvents(await connection.GetSubscriber().SubscribeAsync(RedisChannel.Literal($"__keyspace@0__:{key}")));
    }

    /// <summary>How often each command was called since the start.</summary>
    public async Task<IReadOnlyDictionary<string, long>> CallsAsync()
    {
        var text = (string)(await AskAsync("INFO", "commandstats"))!;
        return text.Split("\r\n")
            .Where(line => line.StartsWith("cmdstat_", StringComparison.Ordinal))
            .Select(line => line["cmdstat_".Length..].Split(":calls="))
            .ToDictionary(parts => parts[0], parts => long.Parse(parts[1].Split(',')[0], CultureInfo.InvariantCulture));
    }

    /// <summary>How often each of the commands was called that locks, cache and bell send. Asking adds nothing to it.</summary>
    public async Task<IReadOnlyDictionary<string, long>> WorkAsync() => (await CallsAsync())
        .Where(calls => Work.Contains(calls.Key))
        .ToDictionary();

    /// <summary>Writes and scripts are left waiting until <see cref="ResumeAsync"/>.</summary>
    public Task PauseAsync() => AskAsync("CLIENT", "PAUSE", "60000", "WRITE");

    public Task ResumeAsync() => AskAsync("CLIENT", "UNPAUSE");

    /// <summary>Completes when Redis next says, in its log, something with this part. To be asked before it can.</summary>
    public Task SaysAsync(string part) => listeners
        .GetOrAdd(part, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task.InTime();

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        if (keeper is { } running)
        {
            keeper = null;
            running.StandardInput.Close();
            await ended.InTime();
            await running.WaitForExitAsync();
            running.Dispose();
        }
    }

    /// <summary>Starts again on the same port, empty.</summary>
    public async Task RestartAsync()
    {
        await KillAsync();
        Assert.True(await TryRunAsync(), $"{Program} did not start again on port {Port}.");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in connections)
        {
            await connection.DisposeAsync();
        }

        await KillAsync();
        folder.Delete(recursive: true);
    }

    private static async Task<RedisServer> RunAsync(RedisServer server)
    {
        try
        {
            Require();
            for (var attempt = 1; ; attempt++)
            {
                server.Port = FreePort();
                if (await server.TryRunAsync())
                {
                    return server;
                }

                Assert.True(attempt < MaxPorts, $"{Program} did not start on {MaxPorts} free ports.");
            }
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    private static void Require()
    {
        var installed = (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator)
            .Any(directory => File.Exists(Path.Combine(directory, Program)));
        var reason = $"{Program} is not installed, or not in the PATH.";
        if (Environment.GetEnvironmentVariable("CI") == "true")
        {
            Assert.True(installed, reason);
        }

        Assert.SkipUnless(installed, reason);
    }

    /// <summary>False if Redis ended before it was ready.</summary>
    private async Task<bool> TryRunAsync()
    {
        string[] arguments =
        [
            "-c", Keeper, "sh", Program,
            .. File.Exists(SentinelFile) ? [SentinelFile] : Array.Empty<string>(),
            "--port", Port.ToString(CultureInfo.InvariantCulture),
            "--bind", "127.0.0.1",
            "--dir", folder.FullName,
            .. options,
        ];
        keeper = Process.Start(new ProcessStartInfo("/bin/sh", arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        using var patience = The.Patience();
        while (await keeper.StandardOutput.ReadLineAsync(patience.Token) is { } line)
        {
            if (line.Contains(readyLine, StringComparison.Ordinal))
            {
                // Read to the end, so that Redis never waits for a full pipe, and is known to be gone when it is.
                ended = ListenAsync(keeper.StandardOutput);
                return true;
            }
        }

        await KillAsync();
        return false;
    }

    private async Task ListenAsync(StreamReader output)
    {
        while (await output.ReadLineAsync() is { } line)
        {
            foreach (var part in listeners.Keys.Where(part => line.Contains(part, StringComparison.Ordinal)))
            {
                if (listeners.TryRemove(part, out var heard))
                {
                    heard.SetResult();
                }
            }
        }
    }
}

/// <summary>What happens to one key, in order.</summary>
internal sealed class KeyEvents(ChannelMessageQueue messages)
{
    /// <summary>The next thing that happens, by its name: <c>set</c>, <c>expire</c>, <c>del</c>, <c>expired</c>.</summary>
    public async Task<string> NextAsync()
    {
        using var patience = The.Patience();
        return (await messages.ReadAsync(patience.Token)).Message!;
    }

    /// <summary>Waits for this to happen; whatever happens before it is passed over.</summary>
    public async Task UntilAsync(string what)
    {
        while (await NextAsync() != what)
        {
        }
    }
}
