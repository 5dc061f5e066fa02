using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.Extensions.Localization;
using WebApp.Lab;

namespace WebApp.Pages.Lab;

/// <summary>Asks what storm is to be fired. A link fills the form in, and starts nothing.</summary>
[ResponseCache(NoStore = true, Location = ResponseCacheLocation.None)]
internal sealed class IndexModel(LabRuns runs, LabNodes nodes, LabDoor door, Random random, IStringLocalizer<Texts> texts) : PageModel
{
    [BindProperty(SupportsGet = true)]
    public LabStrategy Strategy { get; set; }

    [BindProperty(SupportsGet = true)]
    [Range(1, LabPlan.MaxRequests, ErrorMessage = "Lab.Range")]
    public int Requests { get; set; } = 20;

    [BindProperty(SupportsGet = true)]
    [Range(1, LabPlan.MaxTabs, ErrorMessage = "Lab.Range")]
    public int Tabs { get; set; } = 4;

    [BindProperty(SupportsGet = true)]
    [Range(0, 100, ErrorMessage = "Lab.Range")]
    public int Lost { get; set; }

    [BindProperty(SupportsGet = true)]
    [Range(0, LabPlan.MaxSeed, ErrorMessage = "Lab.Range")]
    public int Seed { get; set; } = random.Next(LabPlan.MaxSeed);

    /// <summary>All of them, unless somebody says otherwise.</summary>
    [BindProperty(SupportsGet = true)]
    public int Nodes { get; set; } = nodes.Count;

    public int MaxNodes => nodes.Count;

    public bool HasSite => door.HasSite;

    /// <summary>The run that is under way on this node.</summary>
    public Guid? UnderWay => runs.UnderWay?.Id;

    public static IReadOnlyList<LabStrategy> Strategies { get; } = Enum.GetValues<LabStrategy>();

    public void OnGet() => CheckMore();

    public async Task<IActionResult> OnPostAsync()
    {
        CheckMore();
        if (!ModelState.IsValid)
        {
            return Page();
        }

        if (await runs.TryStartAsync(new LabPlan(Strategy, Requests, Tabs, Lost, Seed, Nodes)) is { } id)
        {
            return RedirectToPage("/Lab/Run", new { id });
        }

        Response.StatusCode = StatusCodes.Status409Conflict;
        return Page();
    }

    /// <summary>What depends on where the lab is.</summary>
    private void CheckMore()
    {
        if (MaxNodes == 1)
        {
            // There is nothing to choose, and no field: a link may come from where there was.
            Nodes = 1;
            ModelState.Remove(nameof(Nodes));
        }
        else if (Nodes < 1 || Nodes > MaxNodes)
        {
            ModelState.AddModelError(nameof(Nodes), texts["Lab.Range", "", 1, MaxNodes]);
        }

        if (Strategy == LabStrategy.Site && !HasSite && HttpMethods.IsPost(Request.Method))
        {
            ModelState.AddModelError(nameof(Strategy), texts["Lab.NoSite"]);
        }
    }
}
