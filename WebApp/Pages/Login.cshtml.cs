using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.Extensions.Localization;
using WebApp.Accounts;
using WebApp.Sessions;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Pages;

[IgnoreAntiforgeryToken] // Checked by hand.
internal sealed class LoginModel(
    IPasswordCheck passwords, SignInLimits limits, SecurityLog log, IAntiforgery antiforgery, IStringLocalizer<Texts> texts) : PageModel
{
    [BindProperty]
    public SignInForm Input { get; set; } = new();

    [BindProperty(SupportsGet = true, Name = "returnUrl")]
    public string? ReturnUrl { get; set; }

    [FromQuery(Name = "reason")]
    public string? Reason { get; set; }

    /// <summary>Why the person is here, if a session of theirs has ended.</summary>
    public string? Notice => RefusalReasonNames.Parse(Reason) is { } reason ? texts[reason.Sentence()].Value : null;

    /// <summary>Whether a form of theirs has met the end of their session, and waits for them.</summary>
    public bool IsFormKept => ReturnUrl?.StartsWith(KeptFormMiddleware.Path + "/", StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>Why the form is here again.</summary>
    public string? Problem { get; private set; }

    public bool CanSignIn => HttpContext.UserSession().CanSignIn;

    public IActionResult OnGet() => User.Identity?.IsAuthenticated == true ? Onward("/") : Page();

    public async Task<IActionResult> OnPostAsync()
    {
        if (!CanSignIn)
        {
            return Page();
        }

        if (!await antiforgery.AreGoodAsync(HttpContext))
        {
            // Signed in already: they did so in another tab while this form stood open.
            return User.Identity?.IsAuthenticated == true ? Onward("/notes") : Again(texts["Form.OpenTooLong"]);
        }

        if (!ModelState.IsValid)
        {
            return Page();
        }

        var session = HttpContext.UserSession();
        if (limits.TryTake(Input.UserName, session.Client.IpAddress) is { } wait)
        {
            return Again(texts["Login.TooMany", Response.SayTooMany(wait)]);
        }

        var outcome = await passwords.CheckAsync(Input.UserName, Input.Password, session.Client);
        switch (outcome.Status)
        {
            case PasswordStatus.Proved:
                return await session.SignInAsync(outcome.Proof, Input.RememberMe)
                    ? await this.WelcomeAsync(log, outcome.Proof.User, ReturnUrl)
                    : Again(texts["Login.WrongPassword"]);
            case PasswordStatus.SecondStepNeeded:
                await FirstSteps.BeginAsync(HttpContext, outcome.FirstStep, Input.RememberMe);
                return RedirectToPage("/LoginCode", new { returnUrl = ReturnUrl });
            case PasswordStatus.Refused:
                return Again(texts["Login.WrongPassword"]);
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

    private LocalRedirectResult Onward(string otherwise) => this.Onward(ReturnUrl, otherwise);

    internal sealed class SignInForm
    {
        [Required(ErrorMessage = "Login.NameMissing")]
        public string UserName { get; set => field = value?.Trim()!; } = ""; // Keyboards of phones add a blank.

        [Required(ErrorMessage = "Login.PasswordMissing")]
        public string Password { get; set; } = "";

        public bool RememberMe { get; set; }
    }
}
