using System.Text.RegularExpressions;
using WebApp.Tests.Fixtures;

namespace WebApp.Tests.Conventions;

/// <summary>A file of the repository, as a clone holds it.</summary>
/// <param name="Path">From the root of the repository, with slashes.</param>
/// <param name="Lines">Its text.</param>
internal sealed partial record SourceFile(string Path, IReadOnlyList<string> Lines)
{
    /// <summary>What builds, runs and tools leave behind.</summary>
    private static readonly string[] Leftovers = ["bin", "obj", "App_Data", "TestResults", "screenshots", "node_modules", ".git", ".vs", ".idea"];

    /// <summary>The lines without what they quote and remark: what the compiler takes for code.</summary>
    public IEnumerable<string> Code => Lines.Select(line => Remarks().Replace(Quotes().Replace(line, "\"\""), ""));

    /// <summary>For a file of the site, the folder below WebApp it lies in; empty for one that lies beside them.</summary>
    public string Room => Path.Split('/') is ["WebApp", var room, _, ..] ? room : "";

    public bool IsMigration => Path.Contains("/Migrations/", StringComparison.Ordinal);

    /// <summary>The C# and Razor sources of a project.</summary>
    public static IReadOnlyList<SourceFile> Of(string project)
    {
        List<SourceFile> sources = [.. All().Where(file =>
            file.Path.StartsWith(project + "/", StringComparison.Ordinal) && System.IO.Path.GetExtension(file.Path) is ".cs" or ".cshtml")];
        return sources.Count > 0 ? sources : throw new InvalidOperationException($"{project} holds no sources.");
    }

    public static IEnumerable<SourceFile> All() => In(Repository.Root);

    public override string ToString() => Path;

    private static IEnumerable<SourceFile> In(DirectoryInfo folder)
    {
        foreach (var file in folder.EnumerateFiles())
        {
            var path = System.IO.Path.GetRelativePath(Repository.Root.FullName, file.FullName).Replace('\\', '/');
            yield return new SourceFile(path, File.ReadAllLines(file.FullName));
        }

        foreach (var file in folder.EnumerateDirectories().Where(each => !Leftovers.Contains(each.Name)).SelectMany(In))
        {
            yield return file;
        }
    }

    [GeneratedRegex("\"[^\"]*\"")]
    private static partial Regex Quotes();

    [GeneratedRegex("//.*")]
    private static partial Regex Remarks();
}
