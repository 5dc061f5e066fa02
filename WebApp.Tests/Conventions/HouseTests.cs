using System.Text.RegularExpressions;
using Xunit;

namespace WebApp.Tests.Conventions;

/// <summary>What no compiler holds the sources to.</summary>
public sealed partial class HouseTests
{
    /// <summary>The lines that may do what is forbidden elsewhere.</summary>
    private static readonly HashSet<(string Path, string Code)> Allowed =
    [
        // Pauses after a fault of the database, on the site's own clock.
        ("WebApp/Coordination/UpstreamStash.cs", "await Task.Delay(Pause, time, stoppingToken);"),
        ("WebApp/Storage/SeenWriter.cs", "await Task.Delay(PauseAfterFault, time, stopping);"),
        // The pause between two batches, in which whoever waits for the database has a turn.
        ("WebApp/Storage/SessionSweeper.cs", "await Task.Delay(Pause, time, stopping);"),
        // The one place that names the system's clock.
        ("WebApp/Composition/DatabaseServices.cs", "#pragma warning disable RS0030"),
    ];

    [Theory]
    [InlineData("WebApp", 250)]
    [InlineData("WebApp.Tests", 400)]
    public void A_file_that_grows_long_has_found_a_second_job(string project, int most) => (
        from file in SourceFile.Of(project)
        where !file.IsMigration && file.Lines.Count > most
        select $"{file.Path}: {file.Lines.Count} lines").AssertNone();

    [Theory]
    [InlineData("WebApp")]
    [InlineData("WebApp.Tests")]
    public void Nobody_waits_blindly_skips_a_test_or_silences_the_compiler(string project) => (
        from file in SourceFile.Of(project)
        where !file.IsMigration
        from code in file.Code
        where Forbidden().IsMatch(code) && !Allowed.Contains((file.Path, code.Trim()))
        select $"{file.Path}: {code.Trim()}").AssertNone();

    [Fact]
    public void Whatever_is_allowed_is_still_there() => Assert.All(Allowed, allowed => Assert.Contains(
        SourceFile.All(),
        file => file.Path == allowed.Path && file.Code.Any(code => code.Trim() == allowed.Code)));

    /// <summary>Which registry packages come from is the affair of whoever builds.</summary>
    [Fact]
    public void No_file_names_a_package_registry() => (
        from file in SourceFile.All()
        from line in file.Lines
        where Registries().IsMatch(line)
        select $"{file.Path}: {line.Trim()}").AssertNone();

    [GeneratedRegex(@"\bTask\.Delay\s*\(|\bThread\.Sleep\b|\bSkip\s*=|#pragma\s+warning\s+disable\b|\bSuppressMessage\b")]
    private static partial Regex Forbidden();

    [GeneratedRegex(@"api\.nuget|nuget\.org|npm[j]s", RegexOptions.IgnoreCase)]
    private static partial Regex Registries();
}
