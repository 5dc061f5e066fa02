using System.Globalization;
using System.Resources;

namespace WebApp.Pages;

/// <summary>A language of the pages. Another one is another file of texts, and another line here.</summary>
/// <param name="Culture">The culture that finds its texts. Numbers and dates in code stay invariant.</param>
/// <param name="Tag">What the attribute <c>lang</c> says.</param>
/// <param name="Name">Its name in itself.</param>
internal sealed record Language(CultureInfo Culture, string Tag, string Name)
{
    /// <summary>The cookie that remembers a choice.</summary>
    public const string Cookie = "language";

    private static readonly ResourceManager Files = new(typeof(Texts));

    /// <summary>The first is spoken to whoever asks for none of them.</summary>
    public static IReadOnlyList<Language> All { get; } = [Of("en"), Of("zh")];

    /// <summary>The language of this request.</summary>
    public static Language Current => Find(CultureInfo.CurrentUICulture.Name) ?? All[0];

    public static Language? Find(string? culture) => All.FirstOrDefault(language => language.Culture.Name == culture);

    /// <summary>The language of a tag such as <c>zh-CN</c> or <c>en-GB</c> (RFC 4647, section 3.4).</summary>
    public static Language? Speaking(string tag) => All.FirstOrDefault(language =>
        tag.Split('-')[0].Equals(language.Culture.Name, StringComparison.OrdinalIgnoreCase));

    private static Language Of(string name)
    {
        var culture = CultureInfo.GetCultureInfo(name);
        return new Language(culture, Files.GetString("Language.Tag", culture)!, Files.GetString("Language.Name", culture)!);
    }
}
