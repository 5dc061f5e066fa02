using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WebApp.Accounts;
using WebApp.Sessions;
using WebApp.Tokens;

namespace WebApp.Pages.Account;

[Authorize]
internal sealed class IndexModel(Profile profile) : PageModel
{
    [BindProperty]
    public ProfileForm Input { get; set; } = new();

    /// <summary>In the address, because TempData would be a cookie.</summary>
    [FromQuery(Name = "saved")]
    public bool Saved { get; set; }

    /// <summary>Where an upstream issuer knows the person, their name is changed there.</summary>
    public bool CanChange { get; private set; }

    /// <summary>Why the form is here again.</summary>
    public IReadOnlyList<string> Problems { get; private set; } = [];

    private UserId Owner => HttpContext.UserSession().Current!.User;

    public async Task<IActionResult> OnGetAsync()
    {
        if (await profile.FindAsync(Owner) is not { } known)
        {
            return NotFound();
        }

        CanChange = known.HasPassword;
        Input = new ProfileForm { UserName = known.UserName, Email = known.Email, Stamp = known.Stamp };
        return Page();
    }

    public async Task<IActionResult> OnPostAsync()
    {
        CanChange = await profile.FindAsync(Owner) is { HasPassword: true };
        if (!CanChange || !ModelState.IsValid)
        {
            return Page();
        }

        Problems = await profile.ChangeAsync(Owner, Input.UserName, Input.Email, Input.Stamp);
        if (Problems.Count > 0)
        {
            return Page();
        }

        return RedirectToPage(new { saved = true });
    }

    internal sealed class ProfileForm
    {
        /// <summary>Longest address, in characters (RFC 5321, section 4.5.3.1.3).</summary>
        public const int MaxEmailLength = 254;

        [Required(ErrorMessage = "Register.NameMissing")]
        [StringLength(RegisterModel.RegistrationForm.MaxNameLength, ErrorMessage = "Register.NameTooLong")]
        [RegularExpression(RegisterModel.RegistrationForm.NamePattern, ErrorMessage = "Register.NameLetters")]
        public string UserName { get; set => field = value?.Trim()!; } = ""; // Keyboards of phones add a blank.

        [EmailAddress(ErrorMessage = "Account.EmailInvalid")]
        [StringLength(MaxEmailLength, ErrorMessage = "Account.EmailInvalid")]
        public string? Email { get; set => field = value?.Trim(); }

        /// <summary>The state that was shown: what another tab has changed since is not overwritten.</summary>
        public string Stamp { get; set; } = "";
    }
}
