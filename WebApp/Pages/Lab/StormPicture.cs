using WebApp.Lab;

namespace WebApp.Pages.Lab;

/// <summary>Where everything stands in the picture of a storm, in its own units: a row a request, time from left to right.</summary>
internal sealed class StormPicture
{
    public const int Width = 760;

    private const int Left = 56;
    private const int Right = 40;
    private const int Top = 30;
    private const int Gap = 30;
    private const int MaxTicks = 8;

    private static readonly int[] Steps = [1, 2, 5, 10];

    private readonly double longest;

    public StormPicture(LabResult result)
    {
        longest = Math.Max(1, result.Storm.Concat(result.Reloads).Max(answer => answer.Ended));
        RowHeight = result.Storm.Count switch
        {
            <= 30 => 16,
            <= 120 => 10,
            _ => 5,
        };
        Rows = [.. result.Storm.OrderBy(answer => answer.Ended).ThenBy(answer => answer.Number).Select((answer, row) => Row(answer, Top, row))];
        StormBottom = Top + (Rows.Count * RowHeight);
        ReloadTop = StormBottom + Gap;
        Reloads = [.. result.Reloads.Select((answer, row) => Row(answer, ReloadTop, row))];
        Height = ReloadTop + (Reloads.Count * RowHeight) + 8;
        Turn = result.Storm.FirstOrDefault(answer => answer.Outcome == LabOutcome.Rotated) is { } rotated ? At(rotated.Ended) : null;
        var step = Step(longest / MaxTicks);
        Ticks = [.. Enumerable.Range(0, (int)(longest / step) + 1).Select(tick => (At(tick * step), tick * step))];
    }

    public int RowHeight { get; }

    public int StormBottom { get; }

    public int ReloadTop { get; }

    public int Height { get; }

    public static int AxisTop => Top;

    /// <summary>Where tabs are named, right-aligned.</summary>
    public static int LabelX => Left - 10;

    /// <summary>Whether a row is high enough for words.</summary>
    public bool HasLabels => RowHeight >= 16;

    public int MarkSize => Math.Min(12, RowHeight - 1);

    /// <summary>In the order of the answers.</summary>
    public IReadOnlyList<StormRow> Rows { get; }

    /// <summary>In the order of the tabs.</summary>
    public IReadOnlyList<StormRow> Reloads { get; }

    /// <summary>When the rotation was answered; null if nobody was told of one.</summary>
    public double? Turn { get; }

    /// <summary>Where the axis is marked, and with how many milliseconds.</summary>
    public IReadOnlyList<(double X, double Milliseconds)> Ticks { get; }

    private StormRow Row(LabAnswer answer, int top, int row)
    {
        var begin = At(answer.Began);
        return new StormRow(answer, begin, Math.Max(1, At(answer.Ended) - begin), top + (row * RowHeight));
    }

    private double At(double milliseconds) => Math.Round(Left + (milliseconds / longest * (Width - Left - Right)), 1);

    /// <summary>The next of 1, 2, 5, 10, 20, 50 and so on.</summary>
    private static double Step(double least)
    {
        var power = Math.Pow(10, Math.Max(0, Math.Floor(Math.Log10(least))));
        return Steps.Select(factor => factor * power).First(step => step >= least);
    }
}

/// <summary>One request in the picture.</summary>
/// <param name="X">Where its wait begins.</param>
/// <param name="Length">Of its wait.</param>
/// <param name="Y">Where its row begins.</param>
internal sealed record StormRow(LabAnswer Answer, double X, double Length, int Y)
{
    public double End => X + Length;

    public string Mark => Answer.Outcome.Mark();

    /// <summary>What its elements are known by in the style sheet.</summary>
    public string Class => Answer.Lost ? $"{Mark} lost" : Mark;
}
