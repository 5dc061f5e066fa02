namespace WebApp.Sessions;

/// <summary>
/// The door. A request with an access token in force passes at once; one whose access token has ended waits for a refresh; what
/// follows from a refusal is decided where it is known whether the endpoint needs a user at all.
/// </summary>
internal sealed class UserSessionMiddleware(RequestDelegate next, UserSessionServices services)
{
    /// <summary>What antiforgery also says of a page with a form; said in other words, it would warn each time.</summary>
    private const string Private = "no-cache, no-store";

    public Task InvokeAsync(HttpContext context)
    {
        if (!LooksAtSessions(context))
        {
            return next(context);
        }

        var session = new UserSession(context, services.Door.Look(context.Request), services);
        context.Features.Set<IUserSession>(session);
        if (session.NeedsRefresh)
        {
            return RefreshAsync(context, session);
        }

        KeepPrivate(context, session);
        return next(context);
    }

    private async Task RefreshAsync(HttpContext context, UserSession session)
    {
        if (context.Request.IsPrefetch())
        {
            // Nobody may ever look at this page: it is not worth a generation (scenario 46).
            await SessionAnswers.UnavailableAsync(context);
            return;
        }

        await session.RefreshAsync();
        if (session.IsUnavailable && !context.Request.IsSafe())
        {
            // Run as nobody, a form could do what its sender did not mean. It is not run at all.
            await SessionAnswers.UnavailableAsync(context);
            return;
        }

        KeepPrivate(context, session);
        await next(context);
    }

    /// <summary>
    /// Once per request, even if an error page takes over; never for what is marked so, for a preflight, or for a path that
    /// leads nowhere.
    /// </summary>
    private static bool LooksAtSessions(HttpContext context) =>
        context.GetEndpoint() is { } endpoint
        && endpoint.Metadata.GetMetadata<NoUserSessionAttribute>() is null
        && !HttpMethods.IsOptions(context.Request.Method)
        && context.Features.Get<IUserSession>() is null;

    /// <summary>A page that was made for one person is kept by no cache, the browser's own included (scenario 52).</summary>
    private static void KeepPrivate(HttpContext context, UserSession session)
    {
        if (session.Current is not null)
        {
            context.Response.Headers.CacheControl = Private;
        }
    }
}
