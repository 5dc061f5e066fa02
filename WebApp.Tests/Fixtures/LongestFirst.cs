using Xunit.Sdk;
using Xunit.v3;

[assembly: Xunit.TestCollectionOrderer(typeof(WebApp.Tests.Fixtures.LongestFirst))]

namespace WebApp.Tests.Fixtures;

/// <summary>
/// Begins with what takes longest and has to be done one after the other, so that at the end no processor waits for another. Any
/// order is right, and the rest comes as it comes.
/// </summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Long =
    [
        nameof(Clusters), nameof(SimpleJwt.DjangoIssuerTests), nameof(Simulation.SimulationTests), nameof(Simulation.Teeth.DefectTests),
        nameof(Browser.PageTests), nameof(Browser.ReloadTests), nameof(Browser.JourneyTests), nameof(SimpleJwt.ClientTests),
        nameof(SimpleJwt.WireTests), nameof(Browser.TabsTests), nameof(Browser.PasskeyTests), nameof(Configuration.FailedStartTests),
        nameof(Configuration.StartTests), nameof(Locking.RedisTopologyTests), nameof(Lab.LabAccessTests), nameof(Browser.DemoPageTests),
    ];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [.. testCollections.OrderBy(collection => Place(collection.TestCollectionDisplayName))];

    private static int Place(string name) => Array.FindIndex(Long, each => name == each || name.Contains($".{each} ", StringComparison.Ordinal)) is >= 0 and var place
        ? place
        : Long.Length;
}
