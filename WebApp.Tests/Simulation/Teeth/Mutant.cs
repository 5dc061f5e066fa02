using System.Reflection;
using System.Runtime.Loader;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;
using WebApp.Tests.Conventions;

namespace WebApp.Tests.Simulation.Teeth;

/// <summary>
/// The room that has a defect, the rooms of the core that see it, and the simulation, compiled anew as one assembly. Below them is what
/// is shipped, as it was built; it has no switch for a defect.
/// </summary>
internal static class Mutant
{
    private static readonly string[] Rooms =
        ["Configuration", "Tokens", "Telemetry", "Storage", "Locking", "Upstream", "Coordination", "Cookies", "Sessions"];

    /// <summary>What the SDK brings into scope for the two projects.</summary>
    private static readonly string[] Usings =
    [
        "System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Net.Http", "System.Net.Http.Json", "System.Threading",
        "System.Threading.Tasks", "Microsoft.AspNetCore.Builder", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Http",
        "Microsoft.AspNetCore.Routing", "Microsoft.Extensions.Configuration", "Microsoft.Extensions.DependencyInjection",
        "Microsoft.Extensions.Hosting", "Microsoft.Extensions.Logging",
    ];

    private static readonly CSharpParseOptions Language = new(LanguageVersion.Latest);
    private static readonly Lazy<List<Source>> Sources = new(() => [.. Files().Select(file => new Source(file.Path, file.Room, Text(file), Parse(file)))]);
    private static readonly Lazy<CSharpCompilation> Nothing = new(Prepare);

    /// <summary>The site, as the compiler needs to know it. What is loaded is what is shipped.</summary>
    private static readonly Lazy<CSharpCompilation> Site = new(() => Nothing.Value
        .AddSyntaxTrees(Parse("Friends.cs", "[assembly: System.Runtime.CompilerServices.InternalsVisibleTo(\"WebApp.Tests\")]"))
        .WithAssemblyName("WebApp"));

    /// <summary>Runs these schedules on the core with this defect: the invariant that breaks and the schedule that broke it, or null.</summary>
    public static (Invariant Invariant, int Schedule, string Story)? Hunt(Defect defect, int first, int last)
    {
        var context = new AssemblyLoadContext(defect.Name, isCollectible: true);
        try
        {
            using var image = new MemoryStream(Build(defect));
            var simulation = context.LoadFromStream(image).GetType(typeof(Simulation).FullName!, throwOnError: true)!;
            var hunt = simulation.GetMethod(nameof(Simulation.Hunt), BindingFlags.Static | BindingFlags.Public)!.CreateDelegate<Func<int, int, string?>>();
            return hunt(first, last)?.Split('|', 3) is [var invariant, var seed, var story]
                ? (Enum.Parse<Invariant>(invariant), int.Parse(seed, System.Globalization.CultureInfo.InvariantCulture), story)
                : null;
        }
        finally
        {
            context.Unload();
        }
    }

    private static byte[] Build(Defect defect)
    {
        var changed = defect.Edits.Select(edit => Sources.Value.Single(source => source.Path == edit.File).Room).ToHashSet();
        var sources = Sources.Value.ToLookup(source => source.Room == "" || Sees(source.Room, changed));
        var below = Site.Value.AddSyntaxTrees(sources[false].Select(source => source.Tree));
        var compilation = Nothing.Value
            .AddReferences(below.ToMetadataReference())
            .AddSyntaxTrees(sources[true].Select(source => With(defect, source)));
        using var image = new MemoryStream();
        var result = compilation.Emit(image);
        var errors = result.Diagnostics.Where(each => each.Severity == DiagnosticSeverity.Error).ToList();
        return errors.Count == 0
            ? image.ToArray()
            : throw new InvalidOperationException($"'{defect}' does not compile:\n{string.Join('\n', errors.Take(5))}");
    }

    private static SyntaxTree With(Defect defect, Source source)
    {
        var edits = defect.Edits.Where(edit => edit.File == source.Path).ToList();
        return edits.Count == 0
            ? source.Tree
            : Parse(source.Path, edits.Aggregate(source.Text, (before, edit) => edit.Apply(before)));
    }

    /// <summary>Whether a change in one of these rooms changes what this one means.</summary>
    private static bool Sees(string room, HashSet<string> changed) =>
        changed.Contains(room) || Arrows.From[room].Any(below => Sees(below, changed));

    private static CSharpCompilation Prepare()
    {
        var platform = (string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!;
        var usings = string.Concat(Usings.Select(each => $"global using {each};\n"));
        return CSharpCompilation.Create(
            // By its name it may use what is internal to the site.
            "WebApp.Tests",
            [Parse("Usings.cs", usings)],
            platform.Split(Path.PathSeparator)
                .Where(each => Path.GetFileNameWithoutExtension(each) is not ("WebApp" or "WebApp.Tests"))
                .Select(each => MetadataReference.CreateFromFile(each)),
            // One schedule is over before optimized code would have been compiled.
            new CSharpCompilationOptions(
                OutputKind.DynamicallyLinkedLibrary, optimizationLevel: OptimizationLevel.Debug, nullableContextOptions: NullableContextOptions.Annotations));
    }

    private static IEnumerable<SourceFile> Files() => SourceFile.Of("WebApp")
        .Where(file => Rooms.Contains(file.Room) && !file.IsMigration)
        .Concat(SourceFile.Of("WebApp.Tests").Where(file =>
            file.Path.StartsWith("WebApp.Tests/Simulation/", StringComparison.Ordinal)
            && file.Path.Split('/').Length == 3
            && !file.Path.EndsWith("Tests.cs", StringComparison.Ordinal)));

    private static string Text(SourceFile file) => string.Join('\n', file.Lines);

    private static SyntaxTree Parse(SourceFile file) => Parse(file.Path, Text(file));

    private static SyntaxTree Parse(string path, string text)
    {
        var tree = CSharpSyntaxTree.ParseText(SourceText.From(text), Language, path);
        return CSharpSyntaxTree.Create((CSharpSyntaxNode)new WithoutGenerators().Visit(tree.GetRoot()), Language, path);
    }

    private sealed record Source(string Path, string Room, string Text, SyntaxTree Tree);

    /// <summary>Methods that a source generator would write, log messages above all, do nothing here.</summary>
    private sealed class WithoutGenerators : CSharpSyntaxRewriter
    {
        public override SyntaxNode? VisitMethodDeclaration(MethodDeclarationSyntax node)
        {
            var partial = node.Modifiers.FirstOrDefault(each => each.IsKind(SyntaxKind.PartialKeyword));
            if (partial == default || node.Body is not null || node.ExpressionBody is not null)
            {
                return node;
            }

            var method = node
                .WithAttributeLists(default)
                .WithModifiers(SyntaxFactory.TokenList(node.Modifiers.Where(each => each != partial)))
                .WithSemicolonToken(default);
            return method.WithBody(SyntaxFactory.Block(SyntaxFactory.ParseStatement(
                method.ReturnType.ToString() == "void" ? "return;" : "throw new NotSupportedException();")));
        }
    }
}
