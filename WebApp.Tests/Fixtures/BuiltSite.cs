using System.Collections.Concurrent;
using System.Collections.Specialized;
using System.Diagnostics;

namespace WebApp.Tests.Fixtures;

/// <summary>
/// The built site as a process of its own, as its operator runs it: on a free loopback port, with a database in a folder of its
/// own, and with none of the settings that the tests' own environment may hold.
/// </summary>
internal sealed class BuiltSite : IAsyncDisposable
{
    private const string Listening = "Now listening on: ";

    private readonly Process process;
    private readonly DirectoryInfo folder;
    private readonly bool ownsFolder;
    private readonly ConcurrentQueue<string> output = new();
    private readonly ConcurrentQueue<string> errors = new();
    private readonly TaskCompletionSource<Uri> address = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private BuiltSite(
        DirectoryInfo folder, bool ownsFolder, string environment, IEnumerable<(string Key, string Value)> settings, IEnumerable<string> arguments)
    {
        this.folder = folder;
        this.ownsFolder = ownsFolder;
        process = new Process { StartInfo = Prepare(folder, environment, settings, arguments) };
        process.OutputDataReceived += (_, line) => Hear(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(errors, line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        Ended = EndAsync();
    }

    /// <summary>The lines of the standard output so far, which is where the site logs.</summary>
    public IReadOnlyList<string> Output => [.. output];

    /// <summary>The lines of the standard error so far.</summary>
    public IReadOnlyList<string> Errors => [.. errors];

    private Task<int> Ended { get; }

    /// <param name="environment">Development or Production.</param>
    /// <param name="settings">Configuration keys and values, which travel as environment variables.</param>
    /// <param name="arguments">The command line.</param>
    public static BuiltSite Run(string environment, IEnumerable<(string Key, string Value)>? settings = null, params string[] arguments) =>
        new(Directory.CreateTempSubdirectory("webapp-tests-"), ownsFolder: true, environment, settings ?? [], arguments);

    /// <summary>Another process on the same database and keys.</summary>
    public BuiltSite RunAnother(string environment, IEnumerable<(string Key, string Value)>? settings = null, params string[] arguments) =>
        new(folder, ownsFolder: false, environment, settings ?? [], arguments);

    /// <summary>Where the site listens, once it does. Fails, with all it has said, if it ends before.</summary>
    public Task<Uri> AddressAsync() => address.Task.WaitAsync(Patience.Long);

    /// <summary>A client that neither follows redirects nor keeps cookies, once the site listens.</summary>
    public async Task<HttpClient> ClientAsync()
    {
        var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        client.BaseAddress = await AddressAsync();
        return client;
    }

    /// <summary>The exit code, once the process has ended and both outputs are complete.</summary>
    public Task<int> ExitAsync() => Ended.WaitAsync(Patience.Long);

    public async ValueTask DisposeAsync()
    {
        try
        {
            process.Kill(entireProcessTree: true);
            await Ended.WaitAsync(Patience.Long);
        }
        finally
        {
            process.Dispose();
            if (ownsFolder)
            {
                folder.Delete(recursive: true);
            }
        }
    }

    private static ProcessStartInfo Prepare(
        DirectoryInfo folder, string environment, IEnumerable<(string Key, string Value)> settings, IEnumerable<string> arguments)
    {
        // The copy of the site beside the tests is of the same build as they are.
        var start = new ProcessStartInfo(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [typeof(Program).Assembly.Location, .. arguments])
        {
            WorkingDirectory = Repository.Root.FullName,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        RemoveSettings(start.EnvironmentVariables);
        start.Environment["ASPNETCORE_ENVIRONMENT"] = environment;
        start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:0";
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

    private async Task<int> EndAsync()
    {
        await process.WaitForExitAsync();
        address.TrySetException(new InvalidOperationException(
            $"The site ended with {process.ExitCode} before it listened: {string.Join('\n', [.. output, .. errors])}"));

        // Whoever waits for the end alone has no use for this failure.
        _ = address.Task.Exception;
        return process.ExitCode;
    }

    private void Hear(string? line)
    {
        Keep(output, line);
        if (line?.IndexOf(Listening, StringComparison.Ordinal) is >= 0 and var start)
        {
            address.TrySetResult(new Uri(line[(start + Listening.Length)..]));
        }
    }

    /// <summary>A null ends the output.</summary>
    private static void Keep(ConcurrentQueue<string> lines, string? line)
    {
        if (line is not null)
        {
            lines.Enqueue(line);
        }
    }
}
