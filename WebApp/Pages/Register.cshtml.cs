using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.Extensions.Localization;
using WebApp.Accounts;
using WebApp.Sessions;

namespace WebApp.Pages;

[IgnoreAntiforgeryToken] // Checked by hand.
internal sealed class RegisterModel(
    Registration registration, IAntiforgery antiforgery, IStringLocalizer<Texts> texts) : PageModel
{
    private const string Notes = "/notes";

    [BindProperty]
    public RegistrationForm Input { get; set; } = new();

    /// <summary>Why the form is here again.</summary>
    public IReadOnlyList<string> Problems { get; private set; } = [];

    public bool CanSignIn => HttpContext.UserSession().CanSignIn;

    public IActionResult OnGet() =>
        !registration.IsOpen ? NotFound() : User.Identity?.IsAuthenticated == true ? LocalRedirect(Notes) : Page();

    public async Task<IActionResult> OnPostAsync()
    {
        if (!registration.IsOpen)
        {
            return NotFound();
        }

        if (!CanSignIn)
        {
            return Page();
        }

        if (!await antiforgery.AreGoodAsync(HttpContext))
        {
            // Signed in already: they did so in another tab while this form stood open.
            return User.Identity?.IsAuthenticated == true ? LocalRedirect(Notes) : Again([texts["Form.OpenTooLong"]]);
        }

        if (!ModelState.IsValid)
        {
            return Page();
        }

        var outcome = await registration.RegisterAsync(Input.UserName, Input.Password);
        if (outcome.Proof is not { } proof)
        {
            return Again(outcome.Problems);
        }

        return LocalRedirect(await HttpContext.UserSession().SignInAsync(proof, remember: false) ? Notes : "/login");
    }

    private PageResult Again(IReadOnlyList<string> problems)
    {
        ModelState.Clear();
        Problems = problems;
        return Page();
    }

    internal sealed class RegistrationForm
    {
        /// <summary>Longest name, in characters.</summary>
        public const int MaxNameLength = 64;

        public const string NamePattern = "[A-Za-z0-9._@+-]*";

        [Required(ErrorMessage = "Register.NameMissing")]
        [StringLength(MaxNameLength, ErrorMessage = "Register.NameTooLong")]
        [RegularExpression(NamePattern, ErrorMessage = "Register.NameLetters")]
        public string UserName { get; set => field = value?.Trim()!; } = ""; // Keyboards of phones add a blank.

        [Required(ErrorMessage = "Register.PasswordMissing")]
        [MinLength(Registration.MinPasswordLength, ErrorMessage = "Register.PasswordTooShort")]
        public string Password { get; set; } = "";

        [Required(ErrorMessage = "Register.ConfirmMissing")]
        [Compare(nameof(Password), ErrorMessage = "Register.ConfirmDiffers")]
        public string ConfirmPassword { get; set; } = "";
    }
}
