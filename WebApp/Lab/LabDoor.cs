using System.Security.Claims;
using Microsoft.Extensions.Options;
using WebApp.Configuration;

namespace WebApp.Lab;

/// <summary>Whether there is a lab here, and for whom: for everybody in Development; elsewhere if it is switched on, and then for administrators.</summary>
internal sealed class LabDoor(IOptions<LabOptions> options, IOptions<UpstreamOptions> upstream, IHostEnvironment environment)
{
    public const string Role = "Admin";

    public bool Exists => environment.IsDevelopment() || options.Value.Enabled;

    public bool IsForEverybody => environment.IsDevelopment();

    /// <summary>Whether the lab can have a session on the site: an upstream issuer hands out none without a password.</summary>
    public bool HasSite => upstream.Value.Kind == UpstreamKind.None;

    public bool IsOpenTo(ClaimsPrincipal user) => Exists && (IsForEverybody || user.IsInRole(Role));
}
