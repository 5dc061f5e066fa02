using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.Extensions.Localization;
using WebApp.Accounts;
using WebApp.Sessions;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Pages;

/// <summary>The second step of signing in. There is no session before it.</summary>
[IgnoreAntiforgeryToken] // Checked by hand.
internal sealed class LoginCodeModel(
    SecondStep second, SignInLimits limits, SecurityLog log, IAntiforgery antiforgery, IStringLocalizer<Texts> texts) : PageModel
{
    [BindProperty(SupportsGet = true, Name = "returnUrl")]
    public string? ReturnUrl { get; set; }

    /// <summary>Whether the person brings a recovery code, in place of the app's.</summary>
    [BindProperty(SupportsGet = true, Name = "recovery")]
    public bool Recovery { get; set; }

    /// <summary>Why the form is here again.</summary>
    public string? Problem { get; private set; }

    public async Task<IActionResult> OnGetAsync() =>
        User.Identity?.IsAuthenticated == true ? this.Onward(ReturnUrl, "/")
        : await FirstSteps.FindAsync(HttpContext) is null ? FromTheStart(RefusalReason.Expired)
        : Page();

    public async Task<IActionResult> OnPostAsync(string? code)
    {
        if (!await antiforgery.AreGoodAsync(HttpContext))
        {
            // Signed in already: they did so in another tab while this form stood open.
            return User.Identity?.IsAuthenticated == true ? this.Onward(ReturnUrl, "/notes") : Again(texts["Form.OpenTooLong"]);
        }

        var session = HttpContext.UserSession();
        if (!session.CanSignIn || await FirstSteps.FindAsync(HttpContext) is not { } first)
        {
            return FromTheStart(RefusalReason.Expired);
        }

        if (limits.TryTake(first.Step.User.Value, session.Client.IpAddress) is { } wait)
        {
            return Again(texts["Login.TooMany", Response.SayTooMany(wait)]);
        }

        var kind = Recovery ? SecondStepKind.RecoveryCode : SecondStepKind.AuthenticatorCode;
        var outcome = await second.CheckAsync(first.Step, kind, code ?? "", session.Client);
        switch (outcome.Status)
        {
            case SecondStepStatus.Proved when await session.SignInAsync(outcome.Proof, first.Remember):
                await FirstSteps.EndAsync(HttpContext);
                return await this.WelcomeAsync(log, outcome.Proof.User, ReturnUrl);
            case SecondStepStatus.Wrong:
                return Again(texts["LoginCode.Wrong"]);
            case SecondStepStatus.Proved or SecondStepStatus.Over:
                await FirstSteps.EndAsync(HttpContext);
                return FromTheStart(RefusalReason.AccountChanged);
            default:
                throw new InvalidOperationException(outcome.Status.ToString());
        }
    }

    private PageResult Again(string problem)
    {
        ModelState.Clear();
        Problem = problem;
        return Page();
    }

    private RedirectToPageResult FromTheStart(RefusalReason reason) =>
        RedirectToPage("/Login", new { reason = reason.Name(), returnUrl = ReturnUrl });
}
