using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WebApp.Accounts;
using WebApp.Sessions;

namespace WebApp.Pages;

[IgnoreAntiforgeryToken] // Checked by hand.
internal sealed class RegisterModel(Registration registration, IAntiforgery antiforgery) : PageModel
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
            return User.Identity?.IsAuthenticated == true ? LocalRedirect(Notes) : Again([FormTokens.OpenTooLong]);
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

        [Required(ErrorMessage = "Choose a name.")]
        [StringLength(MaxNameLength, ErrorMessage = "A name has at most {1} characters.")]
        [RegularExpression("[A-Za-z0-9._@+-]*", ErrorMessage = "A name holds only letters a to z, digits and - . _ @ +")]
        public string UserName { get; set => field = value?.Trim()!; } = ""; // Keyboards of phones add a blank.

        [Required(ErrorMessage = "Choose a password.")]
        [MinLength(Registration.MinPasswordLength, ErrorMessage = "A password has at least {1} characters.")]
        public string Password { get; set; } = "";

        [Required(ErrorMessage = "Type the password again.")]
        [Compare(nameof(Password), ErrorMessage = "The two passwords differ.")]
        public string ConfirmPassword { get; set; } = "";
    }
}
