using System.Net;
using Microsoft.EntityFrameworkCore;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>Scenarios 2 and 26: three nodes as processes behind nginx, with PostgreSQL and Redis.</summary>
public sealed class ClusterTests
{
    [Fact]
    public async Task Three_hundred_requests_of_one_person_over_three_nodes_rotate_once_a_round()
    {
        await using var cluster = await Cluster.StartAsync(3);
        using var person = new Visitor(cluster.Balancer.Address);
        await person.SignInAsync();
        var session = person.Pair.Session;

        for (var round = 1; round <= 5; round++)
        {
            // A jar each: none may learn of the new pair from another's answer.
            var tabs = Enumerable.Range(0, 300).Select(_ => person.MoveTo(cluster.Balancer.Address)).ToList();
            tabs.ForEach(tab => tab.Pair = tab.Pair.WithoutAccess());
            var answers = await Task.WhenAll(tabs.Select(tab => Task.Run(() => tab.GetAsync("/api/me"))));

            Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
            Assert.All(answers, answer => Assert.Equal(round, answer.NewPair()!.Generation));
            Assert.Equal(round, await cluster.InDatabaseAsync(
                db => db.Sessions.Where(row => row.Id == session).Select(row => row.Generation).SingleAsync()));
            person.Pair = answers[0].NewPair()!;
            tabs.ForEach(tab => tab.Dispose());
        }
    }
}
