using Xunit;

namespace WebApp.Tests.Fixtures;

/// <summary>What a test needs on the machine. Where it is missing the test is skipped and says so; with <c>CI=true</c> it fails.</summary>
internal static class Installed
{
    /// <summary>The full name of a program in the PATH.</summary>
    public static string Program(string name)
    {
        var found = (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, name))
            .FirstOrDefault(File.Exists);
        Require(found is not null, $"{name} is not installed, or not in the PATH.");
        return found!;
    }

    public static void Require(bool isThere, string reason)
    {
        if (Environment.GetEnvironmentVariable("CI") == "true")
        {
            Assert.True(isThere, reason);
        }

        Assert.SkipUnless(isThere, reason);
    }
}
