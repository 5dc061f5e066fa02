using Xunit;
using Xunit.Sdk;
using Xunit.v3;

namespace WebApp.Tests.Fixtures;

/// <summary>
/// Tests that measure time on the wall. No others run beside them but the simulation, which gives way to them (test.sh). Those that wait
/// for time-outs begin, so that the simulation is done by the time the others want both processors.
/// </summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
[Trait("Runs", nameof(Alone))]
[TestClassOrderer(typeof(Alone))]
public sealed class Alone : ITestClassOrderer
{
    private static readonly string[] Waiting = [typeof(Scenarios.ClusterRedisTests).FullName!, typeof(Locking.RedisOutageTests).FullName!];

    /// <inheritdoc/>
    public IReadOnlyCollection<TTestClass?> OrderTestClasses<TTestClass>(IReadOnlyCollection<TTestClass?> testClasses)
        where TTestClass : ITestClass =>
        [.. testClasses.OrderBy(each => !Waiting.Contains(each?.TestClassName))];
}
