using Microsoft.AspNetCore.Localization;

namespace WebApp.Pages;

/// <summary>
/// The language that a browser asks for by Accept-Language (RFC 9110, section 12.5.4). The framework's own provider asks a culture
/// for its parent, and without data of cultures <c>zh-CN</c> has none: here a language is what stands before the hyphen.
/// </summary>
internal sealed class BrowserLanguages : RequestCultureProvider
{
    /// <summary>How many of the languages are looked at.</summary>
    private const int Most = 10;

    public override Task<ProviderCultureResult?> DetermineProviderCultureResult(HttpContext httpContext)
    {
        var language = httpContext.Request.GetTypedHeaders().AcceptLanguage
            .Take(Most)
            .Where(accepted => accepted.Quality is not 0)
            .OrderByDescending(accepted => accepted.Quality ?? 1)
            .Select(accepted => Language.Speaking(accepted.Value.ToString()))
            .FirstOrDefault(spoken => spoken is not null);
        return language is null
            ? NullProviderCultureResult
            : Task.FromResult<ProviderCultureResult?>(new ProviderCultureResult(language.Culture.Name));
    }
}
