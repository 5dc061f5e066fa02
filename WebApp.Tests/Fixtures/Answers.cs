using System.Net;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.Net.Http.Headers;

namespace WebApp.Tests.Fixtures;

/// <summary>What tests read from an answer.</summary>
internal static class Answers
{
    public static IReadOnlyList<SetCookieHeaderValue> SetCookies(this HttpResponseMessage answer) =>
        answer.Headers.TryGetValues("Set-Cookie", out var values) ? [.. SetCookieHeaderValue.ParseList([.. values])] : [];

    /// <summary>The pair that the answer sets, or null if it sets no token cookie at all.</summary>
    public static CookiePair? NewPair(this HttpResponseMessage answer)
    {
        var cookies = answer.SetCookies();
        var access = cookies.SingleOrDefault(cookie => cookie.Name == "access_token" && cookie.Path == "/");
        var refresh = cookies.SingleOrDefault(cookie => cookie.Name == "refresh_token" && cookie.Path == "/");
        return access is null && refresh is null
            ? null
            : new CookiePair(Uri.UnescapeDataString(access!.Value.ToString()), Uri.UnescapeDataString(refresh!.Value.ToString()));
    }

    /// <summary>Whether the answer touches either token cookie, by setting or by deleting it.</summary>
    public static bool TouchesTokens(this HttpResponseMessage answer) =>
        answer.SetCookies().Any(cookie => cookie.Name.Value!.EndsWith("_token", StringComparison.Ordinal));

    public static bool AsksToSignIn(this HttpResponseMessage answer, string? reason = null) =>
        answer.StatusCode == HttpStatusCode.Redirect
        && answer.Headers.Location!.OriginalString.StartsWith("/login?", StringComparison.Ordinal)
        && (reason is null || answer.Headers.Location.OriginalString.Contains($"reason={reason}", StringComparison.Ordinal));

    public static async Task<JsonElement> JsonAsync(this HttpResponseMessage answer)
    {
        using var document = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return document.RootElement.Clone();
    }

    public static string Claim(this CookiePair pair, string name) => new JsonWebToken(pair.Access).GetClaim(name).Value;
}
