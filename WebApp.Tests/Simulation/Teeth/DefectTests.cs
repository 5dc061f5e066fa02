using WebApp.Tests.Conventions;
using Xunit;

namespace WebApp.Tests.Simulation.Teeth;

/// <summary>
/// A simulation that finds nothing shows nothing: with a defect in the core it must find it, and without one it must not.
/// </summary>
public sealed class DefectTests(ITestOutputHelper output)
{
    public static TheoryData<string> Names => [.. Defects.All.Select(defect => defect.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_defect_is_found(string name)
    {
        var defect = Defects.All.Single(each => each.Name == name);

        var found = Mutant.Hunt(defect, defect.Within);

        Assert.True(found is not null, $"{defect.Within} schedules went by, and nobody noticed.");
        output.WriteLine($"| {name} | {found.Value.Invariant} | {found.Value.Schedule} |");
        output.WriteLine(found.Value.Story);
        Assert.Equal(defect.Found, found.Value.Invariant);
    }

    /// <summary>What is compiled anew here is what is shipped.</summary>
    [Fact]
    public void Without_a_defect_nothing_is_found() => Assert.Null(Mutant.Hunt(new Defect("none", default, 0), 500));

    [Fact]
    public void A_defect_whose_text_is_gone_says_so()
    {
        var gone = new Defect("gone", default, 1, new Edit("WebApp/Sessions/UserSession.cs", "no such text", ""));

        Assert.Contains("has changed", Assert.Throws<InvalidOperationException>(() => Mutant.Hunt(gone, 1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_table_in_the_documentation_names_every_defect() => (
        from defect in Defects.All
        where !SourceFile.All().Single(file => file.Path == "docs/simulation.md").Lines.Any(line =>
            line.StartsWith($"| {defect.Name} | `{defect.Found}` |", StringComparison.Ordinal))
        select defect.Name).AssertNone();
}
