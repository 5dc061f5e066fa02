namespace WebApp.Tests.Simulation.Teeth;

/// <summary>A mistake that somebody could make, as a change of the sources.</summary>
/// <param name="Name">What is wrong, in a sentence.</param>
/// <param name="Found">The invariant by which the simulation notices.</param>
/// <param name="Schedule">The first schedule that has found it.</param>
/// <param name="Edits">What is written instead. The old text must be there once, or the defect is no longer what it was.</param>
internal sealed record Defect(string Name, Invariant Found, int Schedule, params IReadOnlyList<Edit> Edits)
{
    public override string ToString() => Name;
}

/// <param name="File">From the root of the repository.</param>
internal sealed record Edit(string File, string Old, string New)
{
    public string Apply(string text)
    {
        var times = text.Split(Old).Length - 1;
        return times == 1
            ? text.Replace(Old, New, StringComparison.Ordinal)
            : throw new InvalidOperationException(
                $"{File} has changed: the text that this defect replaces is there {times} times and not once. Write the defect anew:\n{Old}");
    }
}
