using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WebApp.Sessions;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Pages.Notes;

[Authorize]
internal sealed class IndexModel(NoteStore notes) : PageModel
{
    [BindProperty]
    public NoteForm Input { get; set; } = new();

    public IReadOnlyList<Note> Notes { get; private set; } = [];

    private UserId Owner => HttpContext.UserSession().Current!.User;

    public async Task OnGetAsync(CancellationToken cancellation) => Notes = await notes.ListAsync(Owner, cancellation);

    public async Task<IActionResult> OnPostAsync(CancellationToken cancellation)
    {
        if (!ModelState.IsValid)
        {
            await OnGetAsync(cancellation);
            return Page();
        }

        await notes.AddAsync(Owner, Input.Text, cancellation);
        return RedirectToPage();
    }

    public async Task<IActionResult> OnPostDeleteAsync(int id, CancellationToken cancellation)
    {
        await notes.DeleteAsync(Owner, id, cancellation);
        return RedirectToPage();
    }
}
