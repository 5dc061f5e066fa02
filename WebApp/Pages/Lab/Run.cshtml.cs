using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WebApp.Lab;

namespace WebApp.Pages.Lab;

/// <summary>Shows a run: how far it is, and then what came of it.</summary>
[ResponseCache(NoStore = true, Location = ResponseCacheLocation.None)]
internal sealed class RunModel(LabRuns runs) : PageModel
{
    public LabRun Run { get; private set; } = null!;

    /// <summary>The same numbers with every other strategy.</summary>
    public IEnumerable<LabPlan> Others => IndexModel.Strategies
        .Where(strategy => strategy != Run.Plan.Strategy)
        .Select(strategy => Run.Plan with { Strategy = strategy });

    public async Task<IActionResult> OnGetAsync(Guid id, CancellationToken cancellation)
    {
        if (await runs.FindAsync(id, cancellation) is not { } run)
        {
            return NotFound();
        }

        Run = run;
        return Page();
    }
}
