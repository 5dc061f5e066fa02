using Xunit;

namespace WebApp.Tests.Fixtures;

/// <summary>Tests that measure time on the wall. No others run beside them.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
