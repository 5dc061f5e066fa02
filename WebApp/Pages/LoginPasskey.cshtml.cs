using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.Extensions.Localization;
using WebApp.Accounts;
using WebApp.Sessions;
using WebApp.Storage;

namespace WebApp.Pages;

/// <summary>
/// Signs in with a passkey. Its form is on the page for signing in, where a script shows it; this page is there to say what went
/// wrong.
/// </summary>
[IgnoreAntiforgeryToken] // Checked by hand.
internal sealed class LoginPasskeyModel(
    PasskeySignIn passkeys, SignInMethods methods, SignInLimits limits, SecurityLog log, IAntiforgery antiforgery,
    IStringLocalizer<Texts> texts) : PageModel
{
    [BindProperty(SupportsGet = true, Name = "returnUrl")]
    public string? ReturnUrl { get; set; }

    /// <summary>Why the form is here again.</summary>
    public string? Problem { get; private set; }

    private bool MaySignIn => methods.AreOurs && HttpContext.UserSession().CanSignIn;

    public IActionResult OnGet() => !methods.AreOurs
        ? NotFound()
        : User.Identity?.IsAuthenticated == true ? this.Onward(ReturnUrl, "/") : RedirectToPage("/Login", new { returnUrl = ReturnUrl });

    /// <summary>What the script is to ask the authenticator for.</summary>
    public async Task<IActionResult> OnPostOptionsAsync()
    {
        if (!MaySignIn)
        {
            return NotFound();
        }

        if (!await antiforgery.AreGoodAsync(HttpContext))
        {
            return PasskeyAnswers.Problem(texts["Form.OpenTooLong"]);
        }

        return limits.TryTake(HttpContext.UserSession().Client.IpAddress) is { } wait
            ? PasskeyAnswers.Problem(texts["Login.TooMany", Response.SayTooMany(wait)])
            : PasskeyAnswers.Options(await passkeys.BeginAsync(HttpContext));
    }

    public async Task<IActionResult> OnPostAsync(string? credential, bool remember)
    {
        if (!MaySignIn)
        {
            return NotFound();
        }

        if (!await antiforgery.AreGoodAsync(HttpContext))
        {
            // Signed in already: they did so in another tab while this form stood open.
            return User.Identity?.IsAuthenticated == true ? this.Onward(ReturnUrl, "/notes") : Again(texts["Form.OpenTooLong"]);
        }

        var session = HttpContext.UserSession();
        if (limits.TryTake(session.Client.IpAddress) is { } wait)
        {
            return Again(texts["Login.TooMany", Response.SayTooMany(wait)]);
        }

        return await passkeys.CheckAsync(HttpContext, credential ?? "") is { } proof && await session.SignInAsync(proof, remember)
            ? await this.WelcomeAsync(log, proof.User, ReturnUrl)
            : Again(texts["Passkeys.Refused"]);
    }

    private PageResult Again(string problem)
    {
        ModelState.Clear();
        Problem = problem;
        return Page();
    }
}
