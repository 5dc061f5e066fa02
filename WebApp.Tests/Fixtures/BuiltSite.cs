using System.Collections.Concurrent;
using System.Collections.Specialized;
using System.Diagnostics;
using System.Globalization;

namespace WebApp.Tests.Fixtures;

/// <summary>
/// The built site as a process of its own, as its operator runs it: on a free loopback port, with a database in a folder of its
/// own, and with none of the settings that the tests' own environment may hold.
/// </summary>
internal sealed class BuiltSite : IAsyncDisposable
{
    private const string Listening = "Now listening on: ";

    private readonly DirectoryInfo folder;
    private readonly bool ownsFolder;
    private readonly string environment;
    private readonly IReadOnlyList<(string Key, string Value)> settings;
    private readonly int port;
    private readonly KeptProcess process;
    private readonly ConcurrentQueue<(string Part, Gate Watch)> watches = new();
    private readonly TaskCompletionSource<Uri> address = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private BuiltSite(
        DirectoryInfo folder, bool ownsFolder, string environment, IEnumerable<(string Key, string Value)> settings,
        IEnumerable<string> arguments, int port = 0)
    {
        this.folder = folder;
        this.ownsFolder = ownsFolder;
        this.environment = environment;
        this.settings = [.. settings];
        this.port = port;
        process = KeptProcess.Start("KILL", Prepare(arguments), Hear);
        _ = TellEndAsync();
    }

    /// <summary>The lines of the standard output so far, which is where the site logs.</summary>
    public IReadOnlyList<string> Output => process.Output;

    /// <summary>The lines of the standard error so far.</summary>
    public IReadOnlyList<string> Errors => process.Errors;

    /// <param name="environment">Development or Production.</param>
    /// <param name="settings">Configuration keys and values, which travel as environment variables.</param>
    /// <param name="arguments">The command line.</param>
    public static BuiltSite Run(string environment, IEnumerable<(string Key, string Value)>? settings = null, params string[] arguments) =>
        new(Directory.CreateTempSubdirectory("webapp-tests-"), ownsFolder: true, environment, settings ?? [], arguments);

    /// <summary>Another process on the same database and keys.</summary>
    public BuiltSite RunAnother(string environment, IEnumerable<(string Key, string Value)>? settings = null, params string[] arguments) =>
        new(folder, ownsFolder: false, environment, settings ?? [], arguments);

    /// <summary>The same site again, at the same address. This one must have ended.</summary>
    /// <param name="changes">Settings that differ from before.</param>
    public async Task<BuiltSite> RunAgainAsync(params (string Key, string Value)[] changes) =>
        new(folder, ownsFolder: false, environment, [.. settings, .. changes], [], port > 0 ? port : (await AddressAsync()).Port);

    /// <summary>Where the site listens, once it does. Fails, with all it has said, if it ends before.</summary>
    public Task<Uri> AddressAsync() => address.Task.InTime();

    /// <summary>Completes once the site has logged a line with this text, or if it has before.</summary>
    public Task SaysAsync(string part)
    {
        var watch = Watch(part);
        if (Output.Any(line => line.Contains(part, StringComparison.Ordinal)))
        {
            _ = watch.PassAsync();
        }

        return watch.Arrived;
    }

    /// <summary>A client that neither follows redirects nor keeps cookies, once the site listens.</summary>
    public async Task<HttpClient> ClientAsync()
    {
        var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        client.BaseAddress = await AddressAsync();
        return client;
    }

    public bool HasEnded => process.Ended.IsCompleted;

    /// <summary>Tells when the site next writes a line that holds the text.</summary>
    public Gate Watch(string part)
    {
        var watch = new Gate();
        watches.Enqueue((part, watch));
        return watch;
    }

    /// <summary>The exit code, once the process has ended and both outputs are complete.</summary>
    public Task<int> ExitAsync() => process.Ended.InTime();

    /// <summary>SIGKILL: the node is gone in the middle of whatever it does.</summary>
    public Task KillAsync() => process.KillAsync();

    /// <summary>SIGSTOP: the node stands still, and does not know it.</summary>
    public Task FreezeAsync() => process.SignalAsync("STOP");

    /// <summary>SIGCONT.</summary>
    public Task ThawAsync() => process.SignalAsync("CONT");

    /// <summary>SIGTERM: an orderly end.</summary>
    public async Task<int> StopAsync()
    {
        await process.SignalAsync("TERM");
        return await ExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await process.DisposeAsync();
        if (ownsFolder)
        {
            folder.Delete(recursive: true);
        }
    }

    private ProcessStartInfo Prepare(IEnumerable<string> arguments)
    {
        // The copy of the site beside the tests is of the same build as they are.
        var start = new ProcessStartInfo(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [typeof(Program).Assembly.Location, .. arguments])
        {
            WorkingDirectory = Repository.Root.FullName,
        };
        RemoveSettings(start.EnvironmentVariables);
        start.Environment["ASPNETCORE_ENVIRONMENT"] = environment;

        // Hexadecimal. Most nodes live for seconds, and by default what was called 30 times is compiled once more.
        start.Environment["DOTNET_TC_CallCountThreshold"] = "400";
        start.Environment["ASPNETCORE_URLS"] = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");
        start.Environment["ConnectionStrings__Database"] = $"Data Source={Path.Combine(folder.FullName, "webapp.db")}";
        foreach (var (key, value) in settings)
        {
            start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        return start;
    }

    private static void RemoveSettings(StringDictionary variables)
    {
        var settings = variables.Keys.Cast<string>().Where(name =>
            name.Contains("__", StringComparison.Ordinal)
            || name.StartsWith("ASPNETCORE_", StringComparison.OrdinalIgnoreCase)
            || name.Equals("DOTNET_ENVIRONMENT", StringComparison.OrdinalIgnoreCase));
        foreach (var name in settings.ToList())
        {
            variables.Remove(name);
        }
    }

    private async Task TellEndAsync()
    {
        var exitCode = await process.Ended;
        address.TrySetException(new InvalidOperationException(
            $"The site ended with {exitCode} before it listened: {string.Join('\n', [.. Output, .. Errors])}"));

        // Whoever waits for the end alone has no use for this failure.
        _ = address.Task.Exception;
    }

    private void Hear(string line)
    {
        if (line.IndexOf(Listening, StringComparison.Ordinal) is >= 0 and var start)
        {
            address.TrySetResult(new Uri(line[(start + Listening.Length)..]));
        }

        foreach (var (_, watch) in watches.Where(each => line.Contains(each.Part, StringComparison.Ordinal)))
        {
            _ = watch.PassAsync();
        }
    }
}
