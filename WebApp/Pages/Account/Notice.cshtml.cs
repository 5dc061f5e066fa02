using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WebApp.Sessions;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Pages.Account;

/// <summary>Shown at the first sign-in after a copy of a session was found out (scenario 41), until the person has chosen.</summary>
[Authorize]
[NoRescue]
internal sealed class NoticeModel(SecurityLog log, SessionEndings endings) : PageModel
{
    public SecurityEvent? Copy { get; private set; }

    [BindProperty(SupportsGet = true, Name = "returnUrl")]
    public string? ReturnUrl { get; set; }

    private SessionGlance Current => HttpContext.UserSession().Current!;

    public async Task<IActionResult> OnGetAsync(CancellationToken cancellation)
    {
        Copy = await log.UnnoticedReuseAsync(Current.User, cancellation);
        return Copy is null ? Onward() : Page();
    }

    /// <param name="upTo">The event that was shown, by its time in milliseconds: a newer one has not been.</param>
    public async Task<IActionResult> OnPostGoOnAsync(long upTo)
    {
        await log.NoticeAsync(Current.User, Moment(upTo));
        return Onward();
    }

    public async Task<IActionResult> OnPostSecureAsync(long upTo)
    {
        await endings.EndAllAsync(
            Current.User, Current.Session, RefusalReason.Revoked, SecurityEventKinds.OthersEnded, HttpContext.UserSession().Client);
        await log.NoticeAsync(Current.User, Moment(upTo));
        return RedirectToPage("/Account/Password");
    }

    private static DateTimeOffset Moment(long milliseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(milliseconds, 0, DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));

    private LocalRedirectResult Onward() => LocalRedirect(Url.LocalOr(ReturnUrl, "/notes"));
}
