using System.Globalization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WebApp.Accounts;
using WebApp.Sessions;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Pages;

/// <summary>What the pages of signing in have in common, however many steps there are.</summary>
internal static class Welcome
{
    /// <summary>First what happened to the account, then what waits to be sent, then where they wanted to go.</summary>
    public static async Task<IActionResult> WelcomeAsync(this PageModel page, SecurityLog log, UserId user, string? returnUrl)
    {
        var onward = page.Onward(returnUrl, FormKeeper.MayHold(page.Request) ? KeptFormMiddleware.Path : "/notes");
        return await log.UnnoticedReuseAsync(user, page.HttpContext.RequestAborted) is null
            ? onward
            : page.RedirectToPage("/Account/Notice", new { returnUrl = onward.Url });
    }

    public static LocalRedirectResult Onward(this PageModel page, string? returnUrl, string otherwise) =>
        page.LocalRedirect(page.Url.LocalOr(returnUrl, otherwise));

    /// <summary>429 (RFC 6585, section 4).</summary>
    /// <returns>How many seconds to wait, for the page to say so.</returns>
    public static int SayTooMany(this HttpResponse response, TimeSpan wait)
    {
        var seconds = (int)Math.Ceiling(wait.TotalSeconds);
        response.StatusCode = StatusCodes.Status429TooManyRequests;
        response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        return seconds;
    }

    /// <summary>Whoever is signed in and asks for a change of their account.</summary>
    public static AccountOwner Owner(this HttpContext context)
    {
        var session = context.UserSession();
        var current = session.Current!;
        return new AccountOwner(current.User, current.Session, session.Client);
    }
}
