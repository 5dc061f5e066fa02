using Microsoft.OpenApi;
using WebApp.Accounts;
using WebApp.Cookies;
using WebApp.Coordination;
using WebApp.Sessions;
using WebApp.Tokens;

namespace WebApp.Api;

/// <summary>
/// Sessions for programs that keep their tokens themselves, on the paths and in the words of Simple JWT (contract, "Simple JWT's
/// wire contract"). A spent token follows the protocol all the same: within its window it gets the same successor.
/// </summary>
internal static class TokenEndpoints
{
    public static IEndpointRouteBuilder MapTokenApi(this IEndpointRouteBuilder routes)
    {
        var tokens = routes.MapGroup("/api/token").WithTags("Tokens").WithMetadata(new NoUserSessionAttribute());
        tokens.MapPost("/", ObtainAsync)
            .WithSummary("Opens a session.")
            .Takes<Credentials>().Produces<ObtainedTokens>().Answers(400, 401, 413, 415, 429, 503);
        tokens.MapPost("/refresh/", RefreshAsync)
            .WithSummary("Trades a refresh token for its successor.")
            .Takes<PresentedRefresh>().Produces<RefreshedTokens>().Answers(400, 401, 413, 415, 503);
        tokens.MapPost("/verify/", VerifyAsync)
            .WithSummary("Says whether a token is good.")
            .Takes<PresentedToken>().Produces<Nothing>().Answers(400, 401, 413, 415, 503);
        tokens.MapPost("/blacklist/", BlacklistAsync)
            .WithSummary("Ends the session of a refresh token.")
            .Takes<PresentedRefresh>().Produces<Nothing>().Answers(400, 401, 413, 415, 503);
        foreach (var path in new[] { "/", "/refresh/", "/verify/", "/blacklist/" })
        {
            tokens.Map(path, NotAllowed).ExcludeFromDescription();
        }

        return routes;
    }

    /// <summary>Else routing would leave a GET to the static files, which know no such file.</summary>
    private static void NotAllowed(HttpContext context)
    {
        context.Response.Headers.Allow = "POST, OPTIONS";
        context.Response.StatusCode = HttpMethods.IsOptions(context.Request.Method)
            ? StatusCodes.Status204NoContent
            : StatusCodes.Status405MethodNotAllowed;
    }

    private static async Task<IResult> ObtainAsync(
        HttpContext context, IPasswordCheck passwords, SignInLimits limits, SessionLifecycle lifecycle, SessionCookies connection)
    {
        if (!connection.MayTravel(context.Request))
        {
            return SessionAnswers.Forbidden("Tokens are handed out over HTTPS alone.");
        }

        var (values, problem) = await JsonFields.ReadAsync(context.Request, "username", "password");
        if (problem is not null)
        {
            return problem;
        }

        var client = context.Request.Client();
        if (limits.TryTake(values[0], client.IpAddress) is { } wait)
        {
            return SessionAnswers.TooMany(context, wait);
        }

        var outcome = await passwords.CheckAsync(values[0].Trim(), values[1], client);
        return outcome.Status switch
        {
            // Not the request's token: a program that leaves now must not leave half a sign-in behind.
            PasswordStatus.Proved when await lifecycle.OpenAsync(
                outcome.Proof, client, SessionTransport.Body, persistent: true, CancellationToken.None) is { } pair =>
                Private(context, new ObtainedTokens(pair.RefreshToken, pair.AccessToken)),

            // This contract knows no second step, and a password alone is not enough for the account.
            PasswordStatus.Proved or PasswordStatus.SecondStepNeeded or PasswordStatus.Refused => SessionAnswers.NoActiveAccount(),
        };
    }

    private static async Task<IResult> RefreshAsync(HttpContext context, TokenApiServices api)
    {
        var (values, problem) = await JsonFields.ReadAsync(context.Request, "refresh");
        if (problem is not null)
        {
            return problem;
        }

        if (api.RefreshTokens.Read(values[0], SessionTransport.Body) is not { } presented)
        {
            return SessionAnswers.TokenNotValid(api.FaultOf(values[0]));
        }

        // Leaving early ends this request's wait; the rotation itself goes on.
        var outcome = await api.Coordinator.RefreshAsync(presented, context.Request.Client()).WaitAsync(context.RequestAborted);
        switch (outcome.Status)
        {
            case RefreshStatus.Rotated:
            case RefreshStatus.Replayed:
                return Private(context, new RefreshedTokens(outcome.Pair.AccessToken, outcome.Pair.RefreshToken));
            case RefreshStatus.Rejected:
                return SessionAnswers.TokenNotValid(TokenFault.Of(outcome.Reason));
            case RefreshStatus.Unavailable:
                await SessionAnswers.UnavailableAsync(context);
                return Results.Empty;
            default:
                throw new InvalidOperationException($"There is no answer to the outcome {outcome.Status}.");
        }
    }

    private static async Task<IResult> VerifyAsync(HttpContext context, TokenApiServices api)
    {
        var (values, problem) = await JsonFields.ReadAsync(context.Request, "token");
        if (problem is not null)
        {
            return problem;
        }

        var reason = api.RefreshTokens.Read(values[0], SessionTransport.Body) is { } refresh
            ? await api.Judge.LookAsync(refresh, context.RequestAborted)
            : api.ReasonAgainstAccess(values[0]);
        return reason switch
        {
            null => Results.Ok(new Nothing()),
            RefusalReason.Revoked
                or RefusalReason.EndedByAdministrator
                or RefusalReason.PasswordChanged
                or RefusalReason.Reuse
                or RefusalReason.UpstreamRefused =>
                Results.BadRequest(new { non_field_errors = new[] { TokenFault.Of(reason.Value).Detail } }),
            { } other => SessionAnswers.TokenNotValid(TokenFault.Of(other)),
        };
    }

    private static async Task<IResult> BlacklistAsync(HttpContext context, TokenApiServices api, SessionLifecycle lifecycle)
    {
        var (values, problem) = await JsonFields.ReadAsync(context.Request, "refresh");
        if (problem is not null)
        {
            return problem;
        }

        if (api.RefreshTokens.Read(values[0], SessionTransport.Body) is not { } presented)
        {
            return SessionAnswers.TokenNotValid(api.FaultOf(values[0]));
        }

        // A session whose account has changed since is over in any case, and may be ended.
        if (await api.Judge.LookAsync(presented, context.RequestAborted) is { } reason and not RefusalReason.AccountChanged)
        {
            return SessionAnswers.TokenNotValid(TokenFault.Of(reason));
        }

        await lifecycle.EndAsync(presented.Session, CancellationToken.None);
        return Results.Ok(new Nothing());
    }

    /// <summary>
    /// For readers of the document alone. Told of the body's type, routing would refuse others itself, and in no words of ours.
    /// </summary>
    private static RouteHandlerBuilder Takes<T>(this RouteHandlerBuilder endpoint) => endpoint.AddOpenApiOperationTransformer(
        async (operation, context, cancellation) => operation.RequestBody = new OpenApiRequestBody
        {
            Required = true,
            Content = new Dictionary<string, OpenApiMediaType>
            {
                ["application/json"] = new() { Schema = await context.GetOrCreateSchemaAsync(typeof(T), null, cancellation) },
            },
        });

    private static RouteHandlerBuilder Answers(this RouteHandlerBuilder endpoint, params int[] statuses)
    {
        foreach (var status in statuses)
        {
            endpoint.ProducesProblem(status);
        }

        return endpoint;
    }

    /// <summary>Tokens are kept by no cache (RFC 6749, section 5.1).</summary>
    private static IResult Private<T>(HttpContext context, T tokens)
    {
        context.Response.Headers.CacheControl = "no-store";
        return Results.Ok(tokens);
    }

    internal sealed record Credentials(string Username, string Password);

    internal sealed record PresentedRefresh(string Refresh);

    internal sealed record PresentedToken(string Token);

    internal sealed record ObtainedTokens(string Refresh, string Access);

    internal sealed record RefreshedTokens(string Access, string Refresh);

    internal sealed record Nothing;
}
