using System.Net;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>
/// What a fail-over of PostgreSQL or a restarted pooler does to everybody at once. A refresh has the time that it has by default: what
/// is tried again here competes for the processors with all that runs beside it.
/// </summary>
[Collection(nameof(Clusters))]
public sealed class ClusterFailoverTests
{
    /// <summary>Scenario 24, for everybody.</summary>
    [Fact]
    public async Task Connections_cut_for_all_at_once_in_mid_refresh_cost_nobody_anything()
    {
        const int People = 20;
        await using var gated = await GatedCluster.StartAsync(2, (_, _) => []);
        var people = await gated.Cluster.PeopleAsync(People);

        // The balancer spreads the tabs; and somebody is at each node, or one could win all the locks.
        var browsers = people.Select((person, index) => index < gated.Clients.Count ? gated.At(person, index) : person).ToList();
        var sessions = people.Select(person => person.Pair).ToList();
        var held = gated.ToDatabase.Select(proxy => proxy.Hold(OnTheWire.Rotation)).ToList();
        var loads = browsers.Select(person =>
        {
            person.DropAccessToken();
            return Task.Run(() => person.LoadAsync(tabs: 3));
        }).ToList();
        await Task.WhenAll(held.Select(gate => gate.Arrived));

        // What has waited for so long is tried again only because it was its connection that ended.
        await The.WallClock.PauseAsync(DatabaseRetry.Quick + TimeSpan.FromMilliseconds(100));
        await gated.Cluster.Postgres.CutConnectionsAsync();
        held.ForEach(gate => gate.Open());
        var answers = await Task.WhenAll(loads);

        Assert.All(answers.SelectMany(each => each), answer =>
            Assert.Equal((HttpStatusCode.OK, 1), (answer.Status, answer.Pair?.Generation ?? 1)));
        foreach (var session in sessions)
        {
            Assert.Equal(1, (await gated.Cluster.SessionAsync(session)).Generation);
        }

        await gated.AssertGoesOnAsync(browsers[0], generation: 1);
    }
}
