using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.Extensions.Localization;
using WebApp.Accounts;
using WebApp.Sessions;

namespace WebApp.Pages.Account;

/// <summary>Lists, adds, renames and removes passkeys. Adding one needs a script, which shows the form for it.</summary>
[Authorize]
[NoRescue]
internal sealed class PasskeysModel(Passkeys passkeys, SignInMethods methods, IStringLocalizer<Texts> texts) : PageModel
{
    public IReadOnlyList<PasskeySummary> Passkeys { get; private set; } = [];

    /// <summary>
    /// What was done a moment ago, and how many other sessions it has ended. In the address, because TempData would be a cookie.
    /// </summary>
    [FromQuery(Name = "added")]
    public int? Added { get; set; }

    [FromQuery(Name = "removed")]
    public int? Removed { get; set; }

    public string? Done => Added is { } added ? $"{texts["Passkeys.WasAdded"]} {texts.Counted("TwoStep.Ended", added)}"
        : Removed is { } removed ? $"{texts["Passkeys.WasRemoved"]} {texts.Counted("TwoStep.Ended", removed)}"
        : null;

    /// <summary>Why the page is here again.</summary>
    public IReadOnlyList<string> Problems { get; private set; } = [];

    public override void OnPageHandlerExecuting(PageHandlerExecutingContext context)
    {
        if (!methods.AreOurs)
        {
            context.Result = NotFound();
        }
    }

    public Task<IActionResult> OnGetAsync() => ShowAsync([]);

    /// <summary>What the script is to ask the authenticator for.</summary>
    public async Task<IActionResult> OnPostOptionsAsync(string? password)
    {
        var outcome = await passkeys.BeginAddAsync(HttpContext, HttpContext.Owner(), password ?? "");
        return outcome.Options is { } options
            ? PasskeyAnswers.Options(options)
            : outcome.Refusal!.Status == AccountChangeStatus.SessionOver
                ? Challenge()
                : PasskeyAnswers.Problem(string.Join(' ', outcome.Refusal.Sentences(texts)));
    }

    public async Task<IActionResult> OnPostAddAsync(string? credential, string? name)
    {
        var outcome = await passkeys.AddAsync(HttpContext, HttpContext.Owner(), credential ?? "", Shortened(name));
        return outcome switch
        {
            null => await ShowAsync([texts["Passkeys.NotAdded"]]),
            { Status: AccountChangeStatus.Changed } => RedirectToPage(new { added = outcome.Ended }),
            { Status: AccountChangeStatus.SessionOver } => Challenge(),
            _ => await ShowAsync(outcome.Sentences(texts)),
        };
    }

    public async Task<IActionResult> OnPostRenameAsync(string? id, string? name)
    {
        // One that is gone is not in the list that comes next: nothing more is to be said.
        await passkeys.RenameAsync(HttpContext.Owner().User, id ?? "", Shortened(name));
        return RedirectToPage();
    }

    public async Task<IActionResult> OnPostRemoveAsync(string? id, string? password)
    {
        var outcome = await passkeys.RemoveAsync(HttpContext.Owner(), password ?? "", id ?? "");
        return outcome.Status switch
        {
            AccountChangeStatus.Changed => RedirectToPage(new { removed = outcome.Ended }),
            AccountChangeStatus.SessionOver => Challenge(),
            _ => await ShowAsync(outcome.Sentences(texts)),
        };
    }

    private async Task<IActionResult> ShowAsync(IReadOnlyList<string> problems)
    {
        ModelState.Clear();
        Problems = problems;
        Passkeys = await passkeys.ListAsync(HttpContext.Owner().User);
        return Page();
    }

    /// <summary>A passkey without a name is called by the word for it.</summary>
    private string Shortened(string? name) => name?.Trim() switch
    {
        null or "" => texts["Passkeys.Unnamed"],
        { Length: > WebApp.Accounts.Passkeys.MaxNameLength } given => given[..WebApp.Accounts.Passkeys.MaxNameLength],
        { } given => given,
    };
}
