using System.Globalization;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;
using WebApp.Tokens;

namespace WebApp.Sessions;

/// <summary>
/// What a request gets that has no user and needs one, or whose session nobody could judge (protocol, "What a request gets";
/// contract, "Answers to programs").
/// </summary>
internal static class SessionAnswers
{
    /// <summary>When it is worth trying again, in seconds.</summary>
    public const int RetryAfterSeconds = 5;

    public const string Over = "The session is over.";
    public const string NotNow = "The session cannot be checked at the moment. Nothing was done; please try again.";

    /// <summary>Answers a request that must be signed in and is not.</summary>
    public static async Task ChallengeAsync(RedirectContext<CookieAuthenticationOptions> challenge)
    {
        var context = challenge.HttpContext;
        var session = context.Features.Get<IUserSession>() as UserSession;
        if (session?.IsUnavailable == true || context.Request.IsPrefetch())
        {
            await UnavailableAsync(context);
            return;
        }

        if (context.Request.IsProgram())
        {
            await (session?.BearerFault is { } fault
                ? GivenTokenNotValid(fault).ExecuteAsync(context)
                : UnauthorizedAsync(context, session?.Refusal));
            return;
        }

        var kept = FormKeeper.IsForm(context)
            ? await context.RequestServices.GetRequiredService<FormKeeper>().TryKeepAsync(context, session)
            : KeptOutcome.Nothing;
        context.Response.Headers.CacheControl = CacheControlHeaderValue.NoStoreString;
        if (kept.Status == KeptStatus.TooLarge)
        {
            // A page that says what to do. The browser still holds the form.
            context.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
            return;
        }

        var request = context.Request;

        // A form is not sent again by going back to its address: its page is where its sender was.
        string returnUrl = kept.Status == KeptStatus.Kept
            ? $"{request.PathBase}{KeptFormMiddleware.Path}/{kept.Id}"
            : request.PathBase + request.Path + (request.IsSafe() ? request.QueryString : default);
        context.Response.Redirect(LoginUrl(request, challenge.Options, session?.Refusal, returnUrl));
    }

    /// <summary>Answers a person who is signed in and may not do this.</summary>
    public static Task ForbidAsync(RedirectContext<CookieAuthenticationOptions> forbid)
    {
        forbid.Response.StatusCode = StatusCodes.Status403Forbidden;
        return Task.CompletedTask;
    }

    /// <summary>
    /// 503 with cookies kept: no fault of ours is a refusal. A program gets JSON; a person gets the page that belongs to the
    /// status code.
    /// </summary>
    public static Task UnavailableAsync(HttpContext context)
    {
        context.Response.Headers.RetryAfter = RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        context.Response.Headers.CacheControl = CacheControlHeaderValue.NoStoreString;
        if (!context.Request.IsProgram())
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return Task.CompletedTask;
        }

        return Problem(
            StatusCodes.Status503ServiceUnavailable,
            NotNow,
            new() { ["code"] = "temporarily_unavailable" }).ExecuteAsync(context);
    }

    /// <summary>401 for a program (RFC 6750, section 3).</summary>
    public static Task UnauthorizedAsync(HttpContext context, RefusalReason? refusal)
    {
        var answer = refusal is { } reason
            ? Unauthorized(Over, new() { ["code"] = "token_not_valid", ["reason"] = reason.NameForPrograms() })
            : Unauthorized("Authentication credentials were not provided.", new() { ["code"] = "not_authenticated" });
        return answer.ExecuteAsync(context);
    }

    /// <summary>401 for a program that sent this token in a body.</summary>
    public static IResult TokenNotValid(TokenFault fault) => Unauthorized(fault.Detail, new()
    {
        ["code"] = "token_not_valid",
        ["reason"] = fault.Reason.NameForPrograms(),
    });

    /// <summary>401 for a program whose name and password are not right.</summary>
    public static IResult NoActiveAccount() => Unauthorized("No active account found with the given credentials", []);

    /// <summary>401 for a program that sent this token in the Authorization header.</summary>
    private static Challenge GivenTokenNotValid(TokenFault fault) => fault == TokenFault.BadHeader
        ? Unauthorized(fault.Detail, new() { ["code"] = "bad_authorization_header" })
        : Unauthorized("Given token not valid for any token type", new()
        {
            ["code"] = "token_not_valid",
            ["reason"] = fault.Reason.NameForPrograms(),
            ["messages"] = new[] { new { token_class = "AccessToken", token_type = "access", message = fault.Detail } },
        });

    /// <summary>429 for a program that tries too often (RFC 6585, section 4).</summary>
    public static IResult TooMany(HttpContext context, TimeSpan wait)
    {
        var seconds = (int)Math.Ceiling(wait.TotalSeconds);
        context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        return Problem(
            StatusCodes.Status429TooManyRequests,
            $"Request was throttled. Expected available in {seconds} seconds.",
            new() { ["code"] = "throttled" });
    }

    /// <summary>403 for a program.</summary>
    public static IResult Forbidden(string detail) =>
        Problem(StatusCodes.Status403Forbidden, detail, new() { ["code"] = "permission_denied" });

    private static Challenge Unauthorized(string detail, Dictionary<string, object?> extensions) =>
        new Challenge(Problem(StatusCodes.Status401Unauthorized, detail, extensions));

    private static IResult Problem(int status, string detail, Dictionary<string, object?> extensions) =>
        Results.Problem(detail, statusCode: status, extensions: extensions);

    private static string LoginUrl(
        HttpRequest request, CookieAuthenticationOptions options, RefusalReason? refusal, string returnUrl)
    {
        var query = new Dictionary<string, string?>();
        if (refusal is { } reason)
        {
            query["reason"] = reason.Name();
        }

        query[options.ReturnUrlParameter] = returnUrl;
        return QueryHelpers.AddQueryString(request.PathBase + options.LoginPath, query);
    }

    /// <summary>An answer that asks for a token, and that no cache keeps (RFC 6750, section 3).</summary>
    private sealed class Challenge(IResult answer) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.Headers.CacheControl = CacheControlHeaderValue.NoStoreString;
            httpContext.Response.Headers.WWWAuthenticate = "Bearer realm=\"api\"";
            return answer.ExecuteAsync(httpContext);
        }
    }
}
