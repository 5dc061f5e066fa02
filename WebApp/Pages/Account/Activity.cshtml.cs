using System.Globalization;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WebApp.Sessions;
using WebApp.Storage;

namespace WebApp.Pages.Account;

/// <summary>What has happened to the account, the newest first.</summary>
[Authorize]
internal sealed class ActivityModel(SecurityLog log) : PageModel
{
    public SecurityLogPage Happened { get; private set; } = new([], null);

    public bool IsFirstPage { get; private set; }

    /// <summary>The place to go on from, as its link says it.</summary>
    public static string Words(SecurityLogPlace place) =>
        string.Create(CultureInfo.InvariantCulture, $"{place.At.ToUnixTimeMilliseconds()}-{place.Id}");

    /// <param name="before">Where the page begins; what cannot be read is the first page.</param>
    public async Task OnGetAsync([FromQuery] string? before, CancellationToken cancellation)
    {
        var place = Parse(before);
        IsFirstPage = place is null;
        Happened = await log.PageAsync(HttpContext.UserSession().Current!.User, place, cancellation);
    }

    private static SecurityLogPlace? Parse(string? text) =>
        text?.Split('-') is [var at, var id]
        && long.TryParse(at, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
        && milliseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
        && long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? new SecurityLogPlace(DateTimeOffset.FromUnixTimeMilliseconds(milliseconds), number)
            : null;
}
