using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.Extensions.Localization;
using WebApp.Sessions;

namespace WebApp.Pages;

[IgnoreAntiforgeryToken] // Checked by hand.
[ResponseCache(NoStore = true, Location = ResponseCacheLocation.None)] // Who is signed in is never yesterday's news.
internal sealed class LogoutModel(IAntiforgery antiforgery, IStringLocalizer<Texts> texts) : PageModel
{
    /// <summary>Why the form is here again.</summary>
    public string? Problem { get; private set; }

    /// <summary>Someone whose session nobody could check may still be signed in, and must not be told otherwise.</summary>
    public IActionResult OnGet() =>
        HttpContext.UserSession().IsUnavailable ? StatusCode(StatusCodes.Status503ServiceUnavailable) : Page();

    public async Task<IActionResult> OnPostAsync()
    {
        if (!await antiforgery.AreGoodAsync(HttpContext))
        {
            // As nobody, the session was over before: the page says so. As somebody, they may confirm.
            Problem = User.Identity?.IsAuthenticated == true ? texts["Form.OpenTooLong"].Value : null;
            return Page();
        }

        await HttpContext.UserSession().SignOutAsync();
        return LocalRedirect("/");
    }
}
