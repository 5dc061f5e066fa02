using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace WebApp.Pages.Demo;

/// <summary>Shows the browser module at work. In Development only: elsewhere the folder has no routes.</summary>
[Authorize]
internal sealed class ApiModel : PageModel;
