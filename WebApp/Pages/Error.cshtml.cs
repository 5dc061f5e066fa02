using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WebApp.Sessions;

namespace WebApp.Pages;

/// <summary>The page of a bare status code. It takes over from requests of any method, so no handler of its own may be needed.</summary>
[IgnoreAntiforgeryToken]
[ResponseCache(NoStore = true, Location = ResponseCacheLocation.None)]
internal sealed class ErrorModel : PageModel
{
    private const string RetryAfterSeconds = "5";

    public int Status { get; private set; }

    /// <summary>Where the person wanted to go, if going there again is harmless.</summary>
    public string? Retry => Request.IsSafe() && HttpContext.TakenOverUrl() is { } url && Url.IsLocalUrl(url) ? url : null;

    /// <summary>Whether this is a form that met a dead session, and was too large to be kept for its sender (scenario 50).</summary>
    public bool IsFormTooLarge => Status == StatusCodes.Status413PayloadTooLarge && HttpContext.UserSession().Refusal is not null;

    /// <summary>Runs for every method, with a handler or without one.</summary>
    public override void OnPageHandlerExecuting(PageHandlerExecutingContext context)
    {
        var asked = RouteData.Values["status"] is string text && int.TryParse(text, out var status) ? status : Response.StatusCode;

        // Somebody who asks for this page itself gets the status it speaks of, and there is none for a success.
        Status = asked is >= 400 and <= 599 ? asked : StatusCodes.Status404NotFound;
        Response.StatusCode = Status;
        if (Status == StatusCodes.Status503ServiceUnavailable && Response.Headers.RetryAfter.Count == 0)
        {
            Response.Headers.RetryAfter = RetryAfterSeconds;
        }
    }
}
