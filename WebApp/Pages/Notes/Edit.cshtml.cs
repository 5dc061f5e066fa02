using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WebApp.Sessions;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Pages.Notes;

[Authorize]
internal sealed class EditModel(NoteStore notes) : PageModel
{
    [BindProperty(SupportsGet = true)]
    public int Id { get; set; }

    [BindProperty]
    public NoteForm Input { get; set; } = new();

    private UserId Owner => HttpContext.UserSession().Current!.User;

    public async Task<IActionResult> OnGetAsync(CancellationToken cancellation)
    {
        if (await notes.FindAsync(Owner, Id, cancellation) is not { } note)
        {
            return NotFound();
        }

        Input.Text = note.Text;
        return Page();
    }

    public async Task<IActionResult> OnPostAsync(CancellationToken cancellation)
    {
        if (!ModelState.IsValid)
        {
            return await notes.FindAsync(Owner, Id, cancellation) is null ? NotFound() : Page();
        }

        return await notes.EditAsync(Owner, Id, Input.Text, cancellation) ? RedirectToPage("/Notes/Index", null, null, $"note-{Id}") : NotFound();
    }
}
