using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.Extensions.Localization;
using WebApp.Accounts;
using WebApp.Sessions;

namespace WebApp.Pages.Account;

/// <summary>
/// Turns two-step verification on and off. The key and the recovery codes are in the answers to forms alone: a page that is opened
/// shows none of them, so no history and no second visitor does.
/// </summary>
[Authorize]
[NoRescue]
internal sealed class TwoStepModel(TwoStep twoStep, SignInMethods methods, IStringLocalizer<Texts> texts) : PageModel
{
    public bool IsOn { get; private set; }

    /// <summary>Recovery codes that are still good.</summary>
    public int CodesLeft { get; private set; }

    /// <summary>What an app is to be told, while it is being set up.</summary>
    public AuthenticatorSetup? Setup { get; private set; }

    /// <summary>New recovery codes, shown this once.</summary>
    public IReadOnlyList<string> Codes { get; private set; } = [];

    /// <summary>How many other sessions the change has ended.</summary>
    public int Ended { get; private set; }

    /// <summary>
    /// How many other sessions turning it off has ended; null before. In the address, because TempData would be a cookie.
    /// </summary>
    [FromQuery(Name = "off")]
    public int? TurnedOff { get; set; }

    /// <summary>Why the form is here again.</summary>
    public IReadOnlyList<string> Problems { get; private set; } = [];

    public override void OnPageHandlerExecuting(PageHandlerExecutingContext context)
    {
        if (!methods.AreOurs)
        {
            context.Result = NotFound();
        }
    }

    public Task<IActionResult> OnGetAsync() => ShowAsync();

    public async Task<IActionResult> OnPostBeginAsync()
    {
        Setup = await twoStep.BeginAsync(HttpContext.Owner().User);
        return await ShowAsync();
    }

    public async Task<IActionResult> OnPostOnAsync(string? code, string? password)
    {
        var outcome = await twoStep.TurnOnAsync(HttpContext.Owner(), password ?? "", code ?? "");
        if (outcome.Change.Status != AccountChangeStatus.Changed)
        {
            Setup = await twoStep.FindSetupAsync(HttpContext.Owner().User);
        }

        return await ShowAsync(outcome);
    }

    public async Task<IActionResult> OnPostCodesAsync(string? password) =>
        await ShowAsync(await twoStep.RenewCodesAsync(HttpContext.Owner(), password ?? ""));

    public async Task<IActionResult> OnPostOffAsync(string? password)
    {
        var outcome = await twoStep.TurnOffAsync(HttpContext.Owner(), password ?? "");
        return outcome.Status == AccountChangeStatus.Changed
            ? RedirectToPage(new { off = outcome.Ended })
            : await ShowAsync(new TwoStepOutcome(outcome, []));
    }

    private async Task<IActionResult> ShowAsync(TwoStepOutcome outcome)
    {
        if (outcome.Change.Status == AccountChangeStatus.SessionOver)
        {
            return Challenge();
        }

        Problems = outcome.Change.Sentences(texts);
        Codes = outcome.RecoveryCodes;
        Ended = outcome.Change.Ended;
        return await ShowAsync();
    }

    private async Task<IActionResult> ShowAsync()
    {
        if (await twoStep.FindAsync(HttpContext.Owner().User) is not { } state)
        {
            return NotFound();
        }

        ModelState.Clear();
        (IsOn, CodesLeft) = state;
        return Page();
    }
}
