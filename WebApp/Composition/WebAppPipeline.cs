using System.Text.Json;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalar.AspNetCore;
using WebApp.Api;
using WebApp.Sessions;
using WebApp.Storage;
using WebApp.Upstream;

namespace WebApp.Composition;

/// <summary>The way of a request. Each line stands where it does for a reason.</summary>
internal static class WebAppPipeline
{
    private const string ErrorPage = "/error/{0}";

    public static void UseWebApp(this WebApplication app)
    {
        // First, so that a fault in anything below is answered. What the site stands on being away is a 503, not a defect of the page.
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            ExceptionHandlingPath = "/error",
            StatusCodeSelector = exception => exception switch
            {
                _ when exception.IsDatabaseAway() || exception is UpstreamAwayException => StatusCodes.Status503ServiceUnavailable,

                // A body that the server does not take: too large, or cut off.
                BadHttpRequestException refused => refused.StatusCode,
                _ => StatusCodes.Status500InternalServerError,
            },
        });

        // Tokens travel over HTTPS alone, except on a developer's machine.
        if (!app.Environment.IsDevelopment())
        {
            app.UseHsts();
            app.UseHttpsRedirection();
        }

        app.UseSecurityHeaders();

        // Before every page that may answer, those of status codes among them. After a fault the handler above comes by here again.
        app.UseRequestLocalization();

        // A bare status code becomes a page for a person and JSON for a program. Around the door, which answers with bare codes.
        app.UseWhen(context => context.Request.IsProgram(), branch => branch.UseStatusCodePages());
        app.UseWhen(context => !context.Request.IsProgram(), branch => branch.UseStatusCodePagesWithReExecute(ErrorPage));

        // The door must know what is asked for, and authentication must know what the door has accepted.
        app.UseRouting();
        app.UseUserSessions();
        app.UseAuthentication();
        app.UseAuthorization();

        // Known to be allowed, and not yet read by its page.
        app.UseMiddleware<KeptFormMiddleware>();

        app.MapStaticAssets().WithMetadata(new NoUserSessionAttribute());
        app.MapRazorPages().WithStaticAssets();
        app.MapSessionApi();
        app.MapTokenApi();
        app.MapApiProxy();
        app.MapHealth();
        if (app.Environment.IsDevelopment())
        {
            app.MapApiReference();
        }
    }

    /// <summary><c>/openapi/v1.json</c>, and <c>/scalar</c> to read it and to try it.</summary>
    private static void MapApiReference(this WebApplication app)
    {
        app.MapOpenApi().WithMetadata(new NoUserSessionAttribute());
        app.MapScalarApiReference(options => options.WithTitle("WebApp").DisableDefaultFonts()).WithMetadata(new NoUserSessionAttribute());
    }

    private static void MapHealth(this WebApplication app)
    {
        app.MapHealthChecks("/healthz/live", new HealthCheckOptions { Predicate = _ => false })
            .WithMetadata(new NoUserSessionAttribute());
        app.MapHealthChecks("/healthz/ready", new HealthCheckOptions { ResponseWriter = WriteAsync })
            .WithMetadata(new NoUserSessionAttribute());
    }

    private static Task WriteAsync(HttpContext context, HealthReport report) => context.Response.WriteAsJsonAsync(new
    {
        status = report.Status.ToString(),
        dependencies = report.Entries.ToDictionary(
            entry => entry.Key,
            entry => new { status = entry.Value.Status.ToString(), entry.Value.Description }),
    }, JsonSerializerOptions.Web);
}
