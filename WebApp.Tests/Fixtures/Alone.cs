using Xunit;

namespace WebApp.Tests.Fixtures;

/// <summary>Tests that measure time on the wall. No others run beside them but the simulation, which gives way to them (test.sh).</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
[Trait("Runs", nameof(Alone))]
public sealed class Alone;
