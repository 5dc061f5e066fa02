using System.Security.Claims;
using Microsoft.IdentityModel.Tokens;
using Microsoft.Net.Http.Headers;
using WebApp.Sessions;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Api;

/// <summary>What programs may ask of the session.</summary>
internal static class SessionEndpoints
{
    /// <summary>Far below <see cref="SigningKeySchedule.Notice"/>, so that no key signs that is in nobody's copy.</summary>
    public static readonly TimeSpan KeySetLife = TimeSpan.FromHours(1);

    public static IEndpointRouteBuilder MapSessionApi(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/api/me", [HttpMethods.Get, HttpMethods.Head], Me).RequireAuthorization()
            .WithTags("Session").WithSummary("Who is signed in, by cookie or by bearer.").ProducesProblem(401).ProducesProblem(503);
        routes.MapPost("/api/auth/token/refresh/", RefreshAsync).WithMetadata(new NoUserSessionAttribute())
            .WithTags("Session").WithSummary("Refreshes by cookie, if the access token has ended.")
            .Produces(204).ProducesProblem(401).ProducesProblem(403).ProducesProblem(503);
        routes.MapGet("/.well-known/jwks.json", Jwks).WithMetadata(new NoUserSessionAttribute())
            .WithTags("Session").WithSummary("The public keys by which access tokens are known.");
        return routes;
    }

    private static IResult Me(ClaimsPrincipal user) => Results.Ok(new
    {
        id = user.FindFirstValue(TokenClaims.Subject),
        name = user.Identity?.Name,
        roles = user.FindAll(TokenClaims.Role).Select(role => role.Value),
    });

    /// <summary>
    /// Refreshes by cookie if the access token has ended; 204 either way. Asked for by a script of this site alone: another site
    /// can send neither the header (without a preflight, which is refused) nor this site's origin.
    /// </summary>
    private static async Task<IResult> RefreshAsync(HttpContext context, UserSessionServices sessions)
    {
        if (!IsFromThisSite(context.Request))
        {
            return SessionAnswers.Forbidden("Send the header X-Requested-With, from a page of this site.");
        }

        var session = new UserSession(context, sessions.Door.Look(context.Request), sessions);
        if (session.NeedsRefresh)
        {
            await session.RefreshAsync();
        }

        if (session.Current is not null)
        {
            return Results.NoContent();
        }

        await (session.IsUnavailable
            ? SessionAnswers.UnavailableAsync(context)
            : SessionAnswers.UnauthorizedAsync(context, session.Refusal));
        return Results.Empty;
    }

    /// <summary>Whether a script of this site asks: another site can send neither this header nor this origin.</summary>
    public static bool IsFromThisSite(HttpRequest request)
    {
        if (request.Headers.XRequestedWith.Count == 0)
        {
            return false;
        }

        var site = request.Headers["Sec-Fetch-Site"].ToString();
        var origin = request.Headers.Origin.ToString();
        return (site.Length == 0 || site == "same-origin")
            && (origin.Length == 0 || origin == $"{request.Scheme}://{request.Host}");
    }

    /// <summary>Whoever verifies our tokens may keep the set for <see cref="KeySetLife"/>: a key is in it for longer before it signs.</summary>
    private static IResult Jwks(HttpContext context, SigningKeys keys)
    {
        context.Response.GetTypedHeaders().CacheControl = new CacheControlHeaderValue { Public = true, MaxAge = KeySetLife };
        return Results.Json(new { keys = keys.PublicKeys.Select(Published) }, contentType: "application/jwk-set+json");
    }

    /// <summary>The members of RFC 7517 and RFC 7518 that a public key has.</summary>
    private static Dictionary<string, string> Published(JsonWebKey key)
    {
        var members = new Dictionary<string, string?>
        {
            ["kty"] = key.Kty,
            ["use"] = key.Use,
            ["alg"] = key.Alg,
            ["kid"] = key.Kid,
            ["crv"] = key.Crv,
            ["x"] = key.X,
            ["y"] = key.Y,
            ["n"] = key.N,
            ["e"] = key.E,
        };
        return members.Where(member => member.Value is not null).ToDictionary(member => member.Key, member => member.Value!);
    }
}
