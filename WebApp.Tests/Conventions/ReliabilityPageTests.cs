using System.Text.RegularExpressions;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Conventions;

/// <summary>The page that says which test proves what must not say more than there is.</summary>
public sealed partial class ReliabilityPageTests
{
    private const int Scenarios = 55;

    private static readonly string Page = File.ReadAllText(Path.Combine(Repository.Root.FullName, "docs", "reliability.md"));

    [Fact]
    public void Every_scenario_is_on_the_page() =>
        Assert.Equal(Enumerable.Range(1, Scenarios), Rows().Matches(Page).Select(row => int.Parse(row.Groups[1].Value)));

    [Fact]
    public void Every_test_that_the_page_names_is_there() => (
        from name in Names().Matches(Page).Select(match => (Class: match.Groups[1].Value, Test: match.Groups[2].Value))
        where !typeof(ReliabilityPageTests).Assembly.GetTypes().Any(type =>
            type.Name == name.Class && type.GetMethod(name.Test)?.GetCustomAttributes(typeof(FactAttribute), true).Length > 0)
        select $"{name.Class}.{name.Test}").AssertNone();

    [GeneratedRegex(@"^\| (\d+) \|", RegexOptions.Multiline)]
    private static partial Regex Rows();

    [GeneratedRegex(@"`(\w+Tests)\.(\w+)`")]
    private static partial Regex Names();
}
