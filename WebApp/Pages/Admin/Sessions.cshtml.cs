using System.Globalization;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WebApp.Sessions;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Pages.Admin;

/// <summary>Everybody's sessions, or one person's, for administrators: to look at and to end.</summary>
[Authorize(Roles = "Admin")]
internal sealed class SessionsModel(SessionList list, SessionEndings endings) : PageModel
{
    /// <summary>A name or an e-mail address, in full.</summary>
    [BindProperty(SupportsGet = true, Name = "person")]
    public string? Person { get; set; }

    /// <summary>Where the page begins; what cannot be read is the first page.</summary>
    [BindProperty(SupportsGet = true, Name = "after")]
    public string? After { get; set; }

    /// <summary>How many sessions were ended a moment ago; null before.</summary>
    [FromQuery(Name = "ended")]
    public int? Ended { get; set; }

    public SessionPage Shown { get; private set; } = new([], new Dictionary<string, string>(), null);

    /// <summary>Whose sessions are shown, if one person's are.</summary>
    public UserId? Found { get; private set; }

    public bool IsNobody => !string.IsNullOrWhiteSpace(Person) && Found is null;

    public bool IsFirstPage => Parse(After) is null;

    public static string Words(SessionPlace place) =>
        string.Create(CultureInfo.InvariantCulture, $"{place.LastUsedAt.ToUnixTimeMilliseconds()}-{place.Session}");

    public bool IsExpired(SessionSummary session) => list.IsExpired(session);

    public async Task OnGetAsync(CancellationToken cancellation)
    {
        if (!string.IsNullOrWhiteSpace(Person))
        {
            Found = await list.FindAccountAsync(Person, cancellation);
        }

        if (!IsNobody)
        {
            Shown = await list.PageAsync(Found, Parse(After), cancellation);
        }
    }

    public async Task<IActionResult> OnPostEndAsync(string? id, string? owner)
    {
        var ended = SessionId.TryParse(id, out var session)
            && await endings.EndAsync(
                new UserId(owner ?? ""), session, RefusalReason.EndedByAdministrator, HttpContext.UserSession().Client);
        return Back(ended ? 1 : 0);
    }

    public async Task<IActionResult> OnPostEndAllAsync(string? owner) => Back(await endings.EndAllAsync(
        new UserId(owner ?? ""),
        keep: null,
        RefusalReason.EndedByAdministrator,
        SecurityEventKinds.EndedByAdministrator,
        HttpContext.UserSession().Client));

    private RedirectToPageResult Back(int ended) => RedirectToPage(new { person = Person, after = After, ended });

    private static SessionPlace? Parse(string? text) =>
        text?.Split('-') is [var at, var id]
        && long.TryParse(at, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
        && milliseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
        && SessionId.TryParse(id, out var session)
            ? new SessionPlace(DateTimeOffset.FromUnixTimeMilliseconds(milliseconds), session)
            : null;
}
