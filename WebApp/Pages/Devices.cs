using Microsoft.Extensions.Localization;

namespace WebApp.Pages;

/// <summary>
/// A device in words: the browser and its system, as far as the user agent tells. A few names that people know, for their eyes
/// alone; nothing is decided by them.
/// </summary>
internal static class Devices
{
    /// <summary>The first that fits: most browsers claim to be the ones further down as well.</summary>
    private static readonly (string Mark, string Name)[] Browsers =
    [
        ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung"), ("FxiOS/", "Firefox"), ("Firefox/", "Firefox"),
        ("CriOS/", "Chrome"), ("HeadlessChrome/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
        ("curl/", "curl"), ("python-requests/", "Python"), ("Python-urllib/", "Python"), ("axios/", "Axios"),
    ];

    private static readonly (string Mark, string Name)[] Systems =
    [
        ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("CrOS", "ChromeOS"),
        ("Macintosh", "macOS"), ("Linux", "Linux"),
    ];

    public static string Words(string userAgent, IStringLocalizer<Texts> texts) =>
        (Find(Browsers, userAgent), Find(Systems, userAgent)) switch
        {
            ({ } browser, { } system) => texts["Devices.BrowserOnSystem", browser, system],
            ({ } browser, null) => browser,
            (null, { } system) => system,
            (null, null) => texts["Devices.Unknown"],
        };

    private static string? Find((string Mark, string Name)[] known, string userAgent) =>
        known.FirstOrDefault(each => userAgent.Contains(each.Mark, StringComparison.Ordinal)).Name;
}
