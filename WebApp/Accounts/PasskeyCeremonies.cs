using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;

namespace WebApp.Accounts;

/// <summary>What an authenticator is asked for.</summary>
internal enum PasskeyOperation
{
    Add,
    SignIn,
}

/// <summary>
/// Holds what Identity's passkey handler must know again when the authenticator has answered: the challenge above all. In a cookie
/// of its own, so that an answer counts in the browser that was asked.
/// </summary>
internal static class PasskeyCeremonies
{
    public const string Scheme = "Passkey";

    /// <summary>How long the authenticator may take.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromMinutes(5);

    private const string Operation = "operation";
    private const string State = "state";
    private const string Id = "id";
    private const string Owner = "owner";

    /// <param name="context">Whose response.</param>
    /// <param name="operation">What is asked for.</param>
    /// <param name="state">Of Identity's handler.</param>
    /// <param name="owner">For whom a passkey is made, and the stamp of their account; null for signing in, when nobody knows yet.</param>
    public static Task BeginAsync(HttpContext context, PasskeyOperation operation, string? state, FirstStep? owner)
    {
        var claims = new List<Claim>
        {
            new(Operation, operation.ToString()), new(State, state ?? ""), new(Id, Guid.NewGuid().ToString("N")),
        };
        if (owner is not null)
        {
            claims.Add(new Claim(Owner, $"{owner.User.Value} {owner.SecurityStamp}"));
        }

        return context.SignInAsync(Scheme, new ClaimsPrincipal(new ClaimsIdentity(claims, Scheme)), new AuthenticationProperties());
    }

    /// <summary>What was begun in this browser, once. Null if nothing was, something else, for somebody else, or too long ago.</summary>
    public static async Task<PasskeyCeremony?> TakeAsync(HttpContext context, PasskeyOperation operation, FirstStep? owner)
    {
        if (await context.AuthenticateAsync(Scheme) is not { Succeeded: true, Principal: { } principal })
        {
            return null;
        }

        await context.SignOutAsync(Scheme);
        return principal.FindFirstValue(Operation) == operation.ToString()
            && principal.FindFirstValue(Owner) == (owner is null ? null : $"{owner.User.Value} {owner.SecurityStamp}")
            && principal.FindFirstValue(State) is { } state
            && principal.FindFirstValue(Id) is { } id
                ? new PasskeyCeremony(id, state)
                : null;
    }
}

/// <summary>What was asked of an authenticator.</summary>
/// <param name="Id">Which one of all: an answer to it is good once.</param>
/// <param name="State">For Identity's handler.</param>
internal sealed record PasskeyCeremony(string Id, string State);
