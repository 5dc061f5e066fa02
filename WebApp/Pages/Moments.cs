using System.Globalization;
using Microsoft.Extensions.Localization;

namespace WebApp.Pages;

/// <summary>Moments and spans in words for people, and in the form that <c>&lt;time datetime&gt;</c> wants.</summary>
internal static class Moments
{
    /// <summary>The time of day, with its date unless that is today. In UTC: a page without script knows no other zone.</summary>
    public static string Words(this DateTimeOffset moment, DateTimeOffset now, IStringLocalizer<Texts> texts) =>
        moment.Format(texts[moment.IsSameDay(now) ? "Moment.Today" : "Moment.Earlier"]);

    /// <summary>The same, and today is called by its name: where moments of many days stand together.</summary>
    public static string WordsWithDay(this DateTimeOffset moment, DateTimeOffset now, IStringLocalizer<Texts> texts) =>
        moment.Format(texts[moment.IsSameDay(now) ? "Moment.TodayByName" : "Moment.Earlier"]);

    public static string Machine(this DateTimeOffset moment) => moment.Format("yyyy-MM-dd'T'HH:mm:ss'Z'");

    /// <summary>Minutes and seconds that are left; a moment that has passed is zero away.</summary>
    public static string Words(this TimeSpan left, IStringLocalizer<Texts> texts)
    {
        var seconds = WholeSeconds(left);
        return texts["Moment.Left", seconds / 60, seconds % 60];
    }

    public static string Machine(this TimeSpan left) => string.Create(CultureInfo.InvariantCulture, $"PT{WholeSeconds(left)}S");

    private static string Format(this DateTimeOffset moment, string format) =>
        moment.UtcDateTime.ToString(format, CultureInfo.InvariantCulture);

    private static bool IsSameDay(this DateTimeOffset moment, DateTimeOffset now) => moment.UtcDateTime.Date == now.UtcDateTime.Date;

    private static long WholeSeconds(TimeSpan left) => Math.Max(0, (long)left.TotalSeconds);
}
