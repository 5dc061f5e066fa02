using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.Net.Http.Headers;
using WebApp.Tokens;

namespace WebApp.Lab;

/// <summary>The two cookies that a browser holds. Secrets: never logged, never kept.</summary>
internal sealed class LabPair(string? access, string? refresh)
{
    public const string AccessName = "access_token";
    public const string RefreshName = "refresh_token";

    public string? Access { get; } = access;

    public string? Refresh { get; } = refresh;

    /// <summary>The generation that the access token names.</summary>
    public int? Generation => Access is null ? null : new JsonWebToken(Access).GetPayloadValue<int>(TokenClaims.Generation);

    /// <summary>The pair that an answer sets; null if it sets none.</summary>
    /// <param name="answer">From the site or the sandbox.</param>
    /// <param name="prefix">What the cookies' names begin with.</param>
    public static LabPair? Of(HttpResponseMessage answer, string prefix)
    {
        if (!answer.Headers.TryGetValues(HeaderNames.SetCookie, out var values))
        {
            return null;
        }

        var cookies = SetCookieHeaderValue.ParseList([.. values]);
        return Find(prefix + AccessName) is { } access && Find(prefix + RefreshName) is { } refresh
            ? new LabPair(access, refresh)
            : null;

        string? Find(string name) => cookies.FirstOrDefault(cookie => cookie.Name == name)?.Value.Value is { } value
            ? Uri.UnescapeDataString(value)
            : null;
    }

    /// <summary>The request header <c>Cookie</c>.</summary>
    public string Header(string prefix) => string.Join("; ", new[]
    {
        Access is null ? null : $"{prefix}{AccessName}={Access}",
        Refresh is null ? null : $"{prefix}{RefreshName}={Refresh}",
    }.OfType<string>());
}
