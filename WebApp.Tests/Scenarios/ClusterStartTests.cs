using System.Net;
using Microsoft.EntityFrameworkCore;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>
/// Scenario 26: nodes that start together, and nodes that must not start. Open: nodes that run already and whose ring was
/// replaced under them notice it at their next start only.
/// </summary>
[Collection(nameof(Clusters))]
public sealed class ClusterStartTests(ClusterStartTests.Nodes nodes) : IClassFixture<ClusterStartTests.Nodes>
{
    private const string KeepRing = """
        CREATE TABLE "Kept" AS TABLE "DataProtectionKeys";
        DELETE FROM "DataProtectionKeys";
        """;

    private const string BringBackRing = """
        DELETE FROM "DataProtectionKeys";
        INSERT INTO "DataProtectionKeys" TABLE "Kept";
        DROP TABLE "Kept";
        """;

    [Fact]
    public async Task Three_nodes_that_start_together_on_an_empty_database_agree_on_schema_ring_and_signing_key()
    {
        const int Rounds = 3;
        var cluster = (await nodes.StartedAsync()).Cluster;
        for (var round = 1; ; round++)
        {
            var key = await cluster.InDatabaseAsync(db => db.SigningKeys.AsNoTracking().SingleAsync());
            // Scenario 26. Of two keys in a ring, a node would know of one until it looks again, hours later.
            Assert.Equal(1, await KeysInRingAsync(cluster));
            var published = await Task.WhenAll(cluster.Nodes.Select(async (_, node) =>
                await (await cluster.ClientOfAsync(node)).GetStringAsync("/.well-known/jwks.json")));
            Assert.Contains(key.Id, Assert.Single(published.Distinct()), StringComparison.Ordinal);
            await AssertAllReadAllAsync();
            if (round == Rounds)
            {
                break;
            }

            Assert.All(await Task.WhenAll(cluster.Nodes.Select(node => node.StopAsync())), exitCode => Assert.Equal(0, exitCode));
            PostgresServer.Empty(cluster.Database);
            await Task.WhenAll(Enumerable.Range(0, cluster.Nodes.Count).Select(node => cluster.RestartAsync(node)));
        }

        cluster.Journal.AssertNobodyWasSignedOut();
    }

    [Fact]
    public async Task A_node_with_another_ring_does_not_start_and_harms_nobody()
    {
        var gated = await nodes.StartedAsync();
        var cluster = gated.Cluster;
        var person = await cluster.PersonAsync();
        await cluster.InDatabaseAsync(db => db.Database.ExecuteSqlRawAsync(KeepRing));
        Assert.Equal(0, await cluster.Nodes[2].StopAsync());

        await using (var stranger = await cluster.Nodes[2].RunAgainAsync())
        {
            Assert.Equal(1, await stranger.ExitAsync());
            Assert.Contains(stranger.Errors, line =>
                line.StartsWith("The site cannot start: The signing key", StringComparison.Ordinal)
                && line.Contains("so it was made by a node with others", StringComparison.Ordinal));
        }

        // The ring that the stranger has made is not the one that the others use.
        person.DropAccessToken();
        Assert.True((await person.LoadAsync()).Rotated);
        await cluster.InDatabaseAsync(db => db.Database.ExecuteSqlRawAsync(BringBackRing));
        await cluster.RestartAsync(2);
        person.DropAccessToken();
        var there = gated.At(person, 2);
        Assert.True((await there.LoadAsync()).Rotated);
        await gated.AssertWholeAsync(there, 2);
        cluster.Journal.AssertNobodyWasSignedOut();
    }

    [Fact]
    public async Task In_production_a_node_whose_database_is_behind_starts_only_after_migrate()
    {
        var cluster = (await nodes.StartedAsync()).Cluster;
        var database = await cluster.Postgres.CreateDatabaseAsync();
        PostgresServer.Empty(database);
        (string, string)[] settings = [("ConnectionStrings:Database", database), ("ConnectionStrings:Redis", cluster.Redis.Configuration)];

        await using var behind = BuiltSite.Run("Production", settings);
        Assert.Equal(1, await behind.ExitAsync());
        Assert.Contains(behind.Errors, line => line.Contains("run this program once with the argument 'migrate'", StringComparison.Ordinal));

        await using var migration = BuiltSite.Run("Production", settings, "migrate");
        Assert.Equal(0, await migration.ExitAsync());

        await using var upToDate = BuiltSite.Run("Production", settings);
        using var client = await upToDate.ClientAsync();
        using var answer = await client.GetAsync("/healthz/ready");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    /// <summary>Whatever one node writes, tokens and forms, all others read.</summary>
    private async Task AssertAllReadAllAsync()
    {
        var gated = await nodes.StartedAsync();
        var person = await gated.Cluster.PersonAsync();
        for (var writer = 0; writer < gated.Cluster.Nodes.Count; writer++)
        {
            person.DropAccessToken();
            var there = gated.At(person, writer);
            Assert.True((await there.LoadAsync()).Rotated);
            person.Pair = there.Pair;
            for (var reader = 0; reader < gated.Cluster.Nodes.Count; reader++)
            {
                var page = await gated.At(person, reader).LoadAsync();
                Assert.Equal(HttpStatusCode.OK, page.Status);
                Assert.False(page.TouchesTokens);
            }

            // The page comes from one node and the form goes to the next.
            Assert.Equal("/notes", (await person.AddNoteAsync("a note")).Location);
        }

        await gated.AssertWholeAsync(person, gated.Cluster.Nodes.Count);
    }

    private static Task<int> KeysInRingAsync(Cluster cluster) => cluster.InDatabaseAsync(db =>
        db.Database.SqlQueryRaw<int>("""SELECT count(*)::int AS "Value" FROM "DataProtectionKeys" """).SingleAsync());

    /// <summary>Three nodes that start together on an empty database.</summary>
    public sealed class Nodes() : SharedCluster(() => GatedCluster.StartAsync(3, (cluster, node) =>
    {
        if (node == 0)
        {
            PostgresServer.Empty(cluster.Database);
        }

        return [];
    }));
}
