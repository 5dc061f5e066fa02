using System.Reflection;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Storage;

namespace WebApp.Composition;

/// <summary>Runs the site, or the one command it knows.</summary>
internal static class WebAppStart
{
    private const string Migrate = "migrate";

    /// <summary>A start that fails for a reason its operator can mend says so in one sentence on the standard error.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> OrExplainAsync(Func<Task> start)
    {
        try
        {
            await start();
            return 0;
        }
        catch (Exception failure) when (Explain(failure) is { } sentences)
        {
            foreach (var sentence in sentences)
            {
                await Console.Error.WriteLineAsync($"The site cannot start: {sentence.ReplaceLineEndings(" ")}");
            }

            return 1;
        }
    }

    /// <summary><c>migrate</c> brings the database up to date and ends; no command runs the site.</summary>
    public static async Task RunCommandAsync(this WebApplication app, string[] args)
    {
        var connections = app.Services.GetRequiredService<IOptions<ConnectionsOptions>>();
        try
        {
            switch (Command(args))
            {
                case null:
                    await RunSiteAsync(app);
                    break;
                case Migrate:
                    app.Services.GetRequiredService<IStartupValidator>().Validate();
                    await app.Services.GetRequiredService<DatabaseSchema>().MigrateAsync(CancellationToken.None);
                    break;
                case { } unknown:
                    throw new StartException($"There is no command '{unknown}'; the only one is '{Migrate}'.");
            }
        }
        catch (Exception fault) when (fault.IsDatabaseAway())
        {
            var rule = $"the database there cannot be used: {fault.GetBaseException().Message}";
            throw new StartException(Complaints.Sentence(ConnectionsOptions.DatabaseKey, connections.Value.Database, rule), fault);
        }
    }

    private static async Task RunSiteAsync(WebApplication app)
    {
        try
        {
            await app.StartAsync();

            // What the start has left behind, models and migrations above all, is a tenth of an idle node's memory. Where the site is
            // a guest in another program, as in tests, the memory is not its own.
            if (Assembly.GetEntryAssembly() == typeof(WebAppStart).Assembly)
            {
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            }
        }
        catch
        {
            // What has started already ends before what it works with is disposed of; or the host would log that as a fault of theirs.
            await app.StopAsync(CancellationToken.None);
            throw;
        }

        await app.WaitForShutdownAsync();
    }

    /// <summary>The first argument that is neither a setting (--Key=value, /Key=value, Key=value) nor the value of one (--Key value).</summary>
    private static string? Command(string[] args) => args
        .Where((argument, index) => !IsSetting(argument) && (index == 0 || !IsKey(args[index - 1])))
        .FirstOrDefault();

    private static bool IsSetting(string argument) => argument is "" or ['-' or '/', ..] || argument.Contains('=');

    private static bool IsKey(string argument) => argument is ['-' or '/', ..] && !argument.Contains('=');

    /// <summary>Null for a defect of the program, which its stack trace explains better.</summary>
    private static IEnumerable<string>? Explain(Exception failure) => failure switch
    {
        OptionsValidationException invalid => invalid.Failures,
        StartException failed => [failed.Message],

        // Several sections with nonsense in them. What one needs of another is told by both.
        AggregateException several when several.InnerExceptions.All(each => Explain(each) is not null) =>
            several.InnerExceptions.SelectMany(each => Explain(each)!).Distinct(),
        // A settings file that is no JSON.
        InvalidDataException file => [$"{file.Message} {file.GetBaseException().Message}"],
        IOException { InnerException: AddressInUseException } => [failure.Message],
        _ => null,
    };
}
