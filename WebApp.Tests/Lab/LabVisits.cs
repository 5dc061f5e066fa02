using System.Globalization;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using WebApp.Tests.Fixtures;

namespace WebApp.Tests.Lab;

/// <summary>How a person uses the lab.</summary>
internal static class LabVisits
{
    /// <summary>Fills the form in, fires the storm, and looks at it until it is over.</summary>
    public static async Task<IDocument> FireAsync(this Visitor visitor, string strategy, int requests = 20, int tabs = 4, int lost = 0)
    {
        await visitor.StartAsync(strategy, requests, tabs, lost);
        return await visitor.ResultAsync();
    }

    /// <summary>The page of a storm that has just been fired.</summary>
    public static async Task<IDocument> StartAsync(this Visitor visitor, string strategy, int requests = 20, int tabs = 4, int lost = 0)
    {
        await visitor.OpenAsync($"/lab?strategy={strategy}&requests={requests}&tabs={tabs}&lost={lost}&seed=7");
        return await visitor.Page.QuerySelector<IHtmlFormElement>("main form")!.SubmitAsync();
    }

    /// <summary>The open page of a storm, once the storm is over.</summary>
    public static async Task<IDocument> ResultAsync(this Visitor visitor)
    {
        var address = visitor.Page.Url;
        await Waiting.UntilAsync(async () => (await visitor.OpenAsync(address)).QuerySelector("meta[http-equiv=refresh]") is null);
        return visitor.Page;
    }

    /// <summary>What the table says beside these words.</summary>
    public static string Said(this IDocument page, string words) =>
        page.QuerySelectorAll("#outcome tr").Single(row => row.QuerySelector("th")!.TextContent.Trim() == words)
            .QuerySelector("td")!.TextContent.Trim();

    public static int Counted(this IDocument page, string words) => int.Parse(page.Said(words), CultureInfo.InvariantCulture);

    /// <summary>How many rows of the picture are of this kind.</summary>
    public static int Drawn(this IDocument page, string kind) => page.QuerySelectorAll($"svg.storm g.row.{kind}").Length;

    public static string Verdict(this IDocument page) => page.QuerySelector("#verdict")!.TextContent.Trim();
}
