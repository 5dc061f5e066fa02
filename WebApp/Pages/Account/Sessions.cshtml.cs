using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WebApp.Sessions;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Pages.Account;

/// <summary>Where the person is signed in, and a way to end it. Every node knows within a second (scenario 34).</summary>
[Authorize]
internal sealed class SessionsModel(SessionList list, SessionEndings endings) : PageModel
{
    public IReadOnlyList<SessionSummary> Sessions { get; private set; } = [];

    /// <summary>How many sessions were ended a moment ago; null before.</summary>
    [FromQuery(Name = "ended")]
    public int? Ended { get; set; }

    public SessionId Here => Current.Session;

    private SessionGlance Current => HttpContext.UserSession().Current!;

    public async Task OnGetAsync(CancellationToken cancellation) => Sessions = await list.LivingAsync(Current.User, cancellation);

    public async Task<IActionResult> OnPostEndAsync(string? id)
    {
        // A session that is not theirs, or not there any more, is not there now either: what they wanted is so.
        if (SessionId.TryParse(id, out var session) && session != Here)
        {
            await endings.EndAsync(Current.User, session, RefusalReason.Revoked, HttpContext.UserSession().Client);
        }

        return RedirectToPage(new { ended = 1 });
    }

    public async Task<IActionResult> OnPostEndOthersAsync() => RedirectToPage(new
    {
        ended = await endings.EndAllAsync(
            Current.User, Here, RefusalReason.Revoked, SecurityEventKinds.OthersEnded, HttpContext.UserSession().Client),
    });
}
