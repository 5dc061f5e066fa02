using Microsoft.AspNetCore.Localization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WebApp.Sessions;

namespace WebApp.Pages;

/// <summary>
/// Remembers the language that somebody has chosen, and leads back. By plain links: a form would need an antiforgery token, and
/// then every open page would set a cookie. Somebody who is made to follow such a link reads another language, and no more.
/// </summary>
[NoUserSession]
[ResponseCache(NoStore = true, Location = ResponseCacheLocation.None)]
internal sealed class LanguageModel : PageModel
{
    private static readonly TimeSpan Life = TimeSpan.FromDays(365);

    public IActionResult OnGet(string? to, string? returnUrl)
    {
        if (Request.IsPrefetch())
        {
            // Nobody has chosen anything yet.
            return StatusCode(StatusCodes.Status503ServiceUnavailable);
        }

        if (Language.Find(to) is { } language)
        {
            Remember(language);
        }

        return LocalRedirect(Url.LocalOr(returnUrl, "/"));
    }

    private void Remember(Language language) => Response.Cookies.Append(
        Language.Cookie,
        CookieRequestCultureProvider.MakeCookieValue(new RequestCulture(language.Culture)),
        new CookieOptions
        {
            HttpOnly = true,
            Secure = Request.IsHttps,
            SameSite = SameSiteMode.Lax,
            MaxAge = Life,
        });
}
