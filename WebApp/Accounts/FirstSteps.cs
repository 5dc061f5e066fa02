using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Identity;
using WebApp.Tokens;

namespace WebApp.Accounts;

/// <summary>
/// Holds the state between the two steps of signing in, in the cookie that the framework has for it. It opens no page: no
/// authorization looks at its scheme.
/// </summary>
internal static class FirstSteps
{
    public static readonly string Scheme = IdentityConstants.TwoFactorUserIdScheme;

    /// <summary>How long the second step may take.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromMinutes(5);

    private const string Stamp = "stamp";
    private const string Remember = "remember";

    public static Task BeginAsync(HttpContext context, FirstStep first, bool remember) => context.SignInAsync(
        Scheme,
        new ClaimsPrincipal(new ClaimsIdentity(
            [new Claim(ClaimTypes.Name, first.User.Value), new Claim(Stamp, first.SecurityStamp)], Scheme)),
        new AuthenticationProperties(new Dictionary<string, string?> { [Remember] = remember.ToString() }));

    /// <summary>Null if no step was done, or too long ago.</summary>
    public static async Task<FirstStepDone?> FindAsync(HttpContext context) =>
        await context.AuthenticateAsync(Scheme) is { Succeeded: true, Principal: { } principal, Properties: var properties }
        && principal.FindFirstValue(ClaimTypes.Name) is { } user
        && principal.FindFirstValue(Stamp) is { } stamp
            ? new FirstStepDone(new FirstStep(new UserId(user), stamp), properties?.GetString(Remember) == bool.TrueString)
            : null;

    public static Task EndAsync(HttpContext context) => context.SignOutAsync(Scheme);
}

/// <summary>A first step and what was chosen with it.</summary>
/// <param name="Remember">Whether the cookies of the session outlive the browser.</param>
internal sealed record FirstStepDone(FirstStep Step, bool Remember);
