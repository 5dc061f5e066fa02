using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Unicode;
using Microsoft.AspNetCore.Localization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Localization;
using WebApp.Pages;

namespace WebApp.Composition;

/// <summary>The languages that pages are written in, and how a reader's language is found.</summary>
internal static class LanguageServices
{
    public static void AddLanguages(this IServiceCollection services)
    {
        services.AddLocalization();
        services.Configure<RequestLocalizationOptions>(options =>
        {
            // Texts alone change with the reader: what code writes as a number or a date is the same for everybody.
            options.DefaultRequestCulture = new RequestCulture(CultureInfo.InvariantCulture, Language.All[0].Culture);
            options.SupportedCultures = null;
            options.SupportedUICultures = [.. Language.All.Select(language => language.Culture)];
            options.RequestCultureProviders =
            [
                new CookieRequestCultureProvider { CookieName = Language.Cookie },
                new BrowserLanguages(),
            ];
        });

        // Or every Chinese character would travel as a number of eight letters.
        services.AddSingleton(HtmlEncoder.Create(UnicodeRanges.All));
        services.AddOptions<MvcOptions>().Configure<IStringLocalizer<Texts>>(
            (options, texts) => options.ModelBindingMessageProvider.SpeakOf(texts));
    }

    /// <summary>Pages take their texts by name, and so do the attributes that validate their forms.</summary>
    public static void AddTexts(this IMvcBuilder pages) => pages
        .AddViewLocalization()
        .AddDataAnnotationsLocalization(options =>
            options.DataAnnotationLocalizerProvider = (_, localizers) => localizers.Create(typeof(Texts)));
}
