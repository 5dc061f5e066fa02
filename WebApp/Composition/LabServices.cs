using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WebApp.Configuration;
using WebApp.Lab;
using WebApp.Storage;

namespace WebApp.Composition;

/// <summary>The lab, and who is let in.</summary>
internal static class LabServices
{
    private const string Folder = "/Lab";

    public static void AddLab(this IServiceCollection services)
    {
        services.AddSingleton<LabAccount>();
        services.AddSingleton<LabDoor>();
        services.AddSingleton<LabNodes>();
        services.AddSingleton<LabGrounds>();
        services.AddSingleton<LabStore>();
        services.AddSingleton<LabRuns>();
        services.AddHostedService(provider => provider.GetRequiredService<LabRuns>());

        // The lab reads from the site's answers what they did. A value that is no truth value has its complaint elsewhere.
        services.AddOptions<SessionsOptions>().PostConfigure<IConfiguration>((options, configuration) =>
            options.Explain |= bool.TryParse(configuration[LabOptions.EnabledKey], out var enabled) && enabled);
    }

    /// <summary>Goes after the pages themselves. Without a route there is no page, and nobody is asked to sign in for it.</summary>
    public static void AddLabPages(this IServiceCollection services) => services.AddOptions<RazorPagesOptions>().Configure<LabDoor>(
        (options, door) =>
        {
            if (!door.Exists)
            {
                options.Conventions.AddFolderRouteModelConvention(Folder, page => page.Selectors.Clear());
            }
            else if (!door.IsForEverybody)
            {
                options.Conventions.AddFolderApplicationModelConvention(
                    Folder, page => page.EndpointMetadata.Add(new AuthorizeAttribute { Roles = LabDoor.Role }));
            }
        });
}
