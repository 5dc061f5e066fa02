using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.Extensions.Localization;
using WebApp.Accounts;
using WebApp.Sessions;

namespace WebApp.Pages.Account;

/// <summary>Changes the password, and ends every session but this one.</summary>
[Authorize]
[NoRescue]
internal sealed class PasswordModel(PasswordChange password, IStringLocalizer<Texts> texts) : PageModel
{
    [BindProperty]
    public PasswordForm Input { get; set; } = new();

    /// <summary>How many other sessions the change has ended; null before. In the address, because TempData would be a cookie.</summary>
    [FromQuery(Name = "ended")]
    public int? Ended { get; set; }

    /// <summary>Why the form is here again.</summary>
    public IReadOnlyList<string> Problems { get; private set; } = [];

    public string? Done => Ended is { } ended ? texts.Counted("Password.Changed", ended) : null;

    public async Task<IActionResult> OnPostAsync()
    {
        if (!ModelState.IsValid)
        {
            return Page();
        }

        var outcome = await password.ChangeAsync(HttpContext.Owner(), Input.Current, Input.Next);
        switch (outcome.Status)
        {
            case AccountChangeStatus.Changed:
                return RedirectToPage(new { ended = outcome.Ended });
            case AccountChangeStatus.WrongPassword:
                ModelState.AddModelError("Input.Current", texts["Password.Wrong"]);
                return Page();
            case AccountChangeStatus.Locked:
                return Again([texts["Password.Locked"]]);
            case AccountChangeStatus.Rejected:
                return Again(outcome.Problems);
            case AccountChangeStatus.SessionOver:
                return Challenge();
            case AccountChangeStatus.WrongCode: // Asks for none.
            default:
                throw new InvalidOperationException(outcome.Status.ToString());
        }
    }

    private PageResult Again(IReadOnlyList<string> problems)
    {
        ModelState.Clear();
        Problems = problems;
        return Page();
    }

    internal sealed class PasswordForm
    {
        [Required(ErrorMessage = "Password.CurrentMissing")]
        public string Current { get; set; } = "";

        [Required(ErrorMessage = "Register.PasswordMissing")]
        [MinLength(Registration.MinPasswordLength, ErrorMessage = "Register.PasswordTooShort")]
        public string Next { get; set; } = "";

        [Required(ErrorMessage = "Register.ConfirmMissing")]
        [Compare(nameof(Next), ErrorMessage = "Register.ConfirmDiffers")]
        public string Again { get; set; } = "";
    }
}
