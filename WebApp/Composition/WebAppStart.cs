using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Storage;

namespace WebApp.Composition;

/// <summary>Runs the site, or the one command it knows.</summary>
internal static class WebAppStart
{
    private const int Failed = 1;

    /// <summary>
    /// <c>migrate</c> brings the database up to date and ends; anything else runs the site. A start that fails for a reason its
    /// operator can mend says so in one sentence on the standard error.
    /// </summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunOrExplainAsync(this WebApplication app, string[] args)
    {
        try
        {
            if (args is ["migrate", ..])
            {
                await app.Services.GetRequiredService<DatabaseSchema>().MigrateAsync(CancellationToken.None);
                return 0;
            }

            await app.RunAsync();
            return 0;
        }
        catch (OptionsValidationException invalid)
        {
            return await ExplainAsync(invalid.Failures);
        }
        catch (StartException failed)
        {
            return await ExplainAsync([failed.Message]);
        }
    }

    private static async Task<int> ExplainAsync(IEnumerable<string> sentences)
    {
        foreach (var sentence in sentences)
        {
            await Console.Error.WriteLineAsync($"The site cannot start: {sentence}");
        }

        return Failed;
    }
}
