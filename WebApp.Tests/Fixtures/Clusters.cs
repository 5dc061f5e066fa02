using Xunit;

namespace WebApp.Tests.Fixtures;

/// <summary>Tests with several nodes each, whose waits are short: other tests run beside them, but no other cluster of these.</summary>
[CollectionDefinition(nameof(Clusters))]
public sealed class Clusters;
