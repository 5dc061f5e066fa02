using Microsoft.AspNetCore.Identity;

namespace WebApp.Storage;

/// <summary>A person's account. ASP.NET Core Identity keeps its password, lockout and security stamp.</summary>
internal sealed class Account : IdentityUser
{
    /// <summary>A disabled account signs in nowhere, and its sessions end at their next refresh.</summary>
    public bool Disabled { get; set; }
}
