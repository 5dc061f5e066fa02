using Microsoft.Extensions.Localization;

namespace WebApp.Pages;

/// <summary>
/// Every text that people read, by name: <c>Texts.resx</c> in English, <c>Texts.zh.resx</c> in Simplified Chinese. This class
/// names them.
/// </summary>
internal sealed class Texts;

/// <summary>Texts that have a number in them.</summary>
internal static class Plurals
{
    /// <summary>The text named <c>key.None</c>, <c>key.One</c> or <c>key.Many</c>; the number is its <c>{0}</c>.</summary>
    public static string Counted(this IStringLocalizer<Texts> texts, string key, int count) => count switch
    {
        0 => texts[$"{key}.None"],
        1 => texts[$"{key}.One"],
        _ => texts[$"{key}.Many", count],
    };
}
