using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace WebApp.Tests.Browser;

/// <summary>Waits for where a tab is going.</summary>
internal static class Arrival
{
    /// <summary>
    /// Waits until a tab shows an address. It asks again and again: <c>WaitForURLAsync</c> looks once and listens then, and what comes
    /// in between is lost to it (microsoft/playwright-dotnet, issue 3364).
    /// </summary>
    /// <param name="page">The tab.</param>
    /// <param name="address">Matches the address.</param>
    public static Task IsAtAsync(this IPage page, [StringSyntax(StringSyntaxAttribute.Regex)] string address) =>
        Assertions.Expect(page).ToHaveURLAsync(new Regex(address), new() { Timeout = 30_000 });
}
