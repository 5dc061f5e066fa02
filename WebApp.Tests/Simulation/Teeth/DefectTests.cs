using System.Globalization;
using WebApp.Tests.Conventions;
using Xunit;

namespace WebApp.Tests.Simulation.Teeth;

/// <summary>
/// A simulation that finds nothing shows nothing: with a defect in the core it must find it, and without one it must not.
/// </summary>
public sealed class DefectTests(ITestOutputHelper output)
{
    /// <summary>How many schedules are worth a try.</summary>
    private const int Most = 50_000;

    public static TheoryData<string> Names => [.. Defects.All.Select(defect => defect.Name)];

    /// <summary>By the schedule that is known to find it. Where that one no longer does, the hunt begins anew and tells which does.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void A_defect_is_found(string name)
    {
        var defect = Defects.All.Single(each => each.Name == name);

        var found = Mutant.Hunt(defect, defect.Schedule, defect.Schedule) ?? Mutant.Hunt(defect, 1, Most);

        Assert.True(found is not null, $"{Most} schedules went by, and nobody noticed.");
        output.WriteLine(found.Value.Story);
        Assert.Equal((defect.Found, defect.Schedule), (found.Value.Invariant, found.Value.Schedule));
    }

    /// <summary>What is compiled anew here, from the lowest room on, is what is shipped.</summary>
    [Fact]
    public void Without_a_defect_nothing_is_found()
    {
        const string Unchanged = "namespace WebApp.Configuration;";
        var none = new Defect("none", default, 1, new Edit("WebApp/Configuration/SessionsOptions.cs", Unchanged, Unchanged));

        Assert.Null(Mutant.Hunt(none, 1, 500));
    }

    [Fact]
    public void A_defect_whose_text_is_gone_says_so()
    {
        var gone = new Defect("gone", default, 1, new Edit("WebApp/Sessions/UserSession.cs", "no such text", ""));

        Assert.Contains("has changed", Assert.Throws<InvalidOperationException>(() => Mutant.Hunt(gone, 1, 1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_table_in_the_documentation_names_every_defect() => (
        from defect in Defects.All
        where !SourceFile.All().Single(file => file.Path == "docs/simulation.md").Lines.Any(line =>
            line == string.Create(CultureInfo.InvariantCulture, $"| {defect.Name} | `{defect.Found}` | {defect.Schedule:N0} |"))
        select defect.Name).AssertNone();
}
