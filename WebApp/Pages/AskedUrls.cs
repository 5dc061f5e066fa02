using Microsoft.AspNetCore.Diagnostics;

namespace WebApp.Pages;

/// <summary>What the browser's address bar shows, whichever page answers.</summary>
internal static class AskedUrls
{
    /// <summary>The local address that was asked for.</summary>
    public static string AskedUrl(this HttpContext context) =>
        context.TakenOverUrl() ?? context.Request.PathBase + context.Request.Path + context.Request.QueryString;

    /// <summary>The same where the error page has taken over from another; null where it was asked for itself.</summary>
    public static string? TakenOverUrl(this HttpContext context)
    {
        if (context.Features.Get<IStatusCodeReExecuteFeature>() is { } reExecuted)
        {
            return new PathString(reExecuted.OriginalPathBase) + new PathString(reExecuted.OriginalPath)
                + new QueryString(reExecuted.OriginalQueryString);
        }

        return context.Features.Get<IExceptionHandlerPathFeature>() is { } failed
            ? context.Request.PathBase + new PathString(failed.Path) + context.Request.QueryString
            : null;
    }
}
