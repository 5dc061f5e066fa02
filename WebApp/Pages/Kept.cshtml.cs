using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WebApp.Sessions;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Pages;

/// <summary>Shows a form that met a dead session, and sends it or discards it as its sender says (scenario 50).</summary>
[Authorize]
[NoRescue]
internal sealed class KeptModel(FormKeeper keeper, KeptForms forms) : PageModel
{
    /// <summary>Names of the fields that the framework adds to forms.</summary>
    private const string FrameworkField = "__";

    [BindProperty(SupportsGet = true, Name = "id")]
    public Guid? Id { get; set; }

    /// <summary>Null if there is none, or none any more.</summary>
    public KeptFormInHand? Kept { get; private set; }

    public IReadOnlyList<KeyValuePair<string, string>> Fields { get; private set; } = [];

    public IReadOnlyList<IFormFile> Files { get; private set; } = [];

    private UserId Owner => HttpContext.UserSession().Current!.User;

    public async Task<IActionResult> OnGetAsync(CancellationToken cancellation)
    {
        Kept = await keeper.FindAsync(Request, Owner, Id);
        if (Kept is null)
        {
            return Id is null ? RedirectToPage("/Notes/Index") : Page();
        }

        var form = await Kept.Content.ReadAsync(cancellation);
        Fields =
        [
            .. from field in form
               where !field.Key.StartsWith(FrameworkField, StringComparison.Ordinal)
               from value in field.Value
               where !string.IsNullOrEmpty(value)
               select KeyValuePair.Create(Label(field.Key), value),
        ];
        Files = [.. form.Files.Where(file => file.Length > 0)];
        return Page();
    }

    public async Task<IActionResult> OnPostDiscardAsync()
    {
        if (Id is { } id)
        {
            await forms.DeleteAsync(Owner, id);
        }

        return RedirectToPage("/Notes/Index");
    }

    /// <summary><c>Input.Text</c> is what its author calls Text.</summary>
    private static string Label(string name) => name[(name.LastIndexOf('.') + 1)..];
}
