using System.Globalization;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Soak;

/// <summary>
/// Scenarios 13, 20, 21 and 23 all at once and for a while. <c>scripts/soak.sh MINUTES</c> runs the same for longer and with more
/// people.
/// </summary>
[Collection(nameof(Alone))]
public sealed class SoakTests(ITestOutputHelper output)
{
    private static readonly SoakPlan Short = new(
        TimeSpan.FromSeconds(30), People: 40, Nodes: TimeSpan.FromSeconds(5), Redis: TimeSpan.FromSeconds(8), Postgres: TimeSpan.FromSeconds(12));

    private static readonly SoakPlan Long = new(
        TimeSpan.FromMinutes(10), People: 200, Nodes: TimeSpan.FromSeconds(5), Redis: TimeSpan.FromSeconds(20), Postgres: TimeSpan.FromSeconds(60));

    [Fact]
    public async Task Nobody_is_signed_out_while_nodes_Redis_and_PostgreSQL_are_killed_again_and_again()
    {
        var plan = Environment.GetEnvironmentVariable("SOAK_MINUTES") is { Length: > 0 } minutes
            ? Long with { Length = TimeSpan.FromMinutes(double.Parse(minutes, CultureInfo.InvariantCulture)) }
            : Short;
        await using var cluster = await Cluster.StartAsync(
            3, ("Sessions:AccessTokenLifetime", "00:00:05"), ("Sessions:ReplayWindow", "00:00:02"));

        var report = await new Soak(cluster, plan).RunAsync();

        output.WriteLine(report.ToString());
        Assert.Empty(report.SignOuts);
        Assert.Empty(report.Forks);
        Assert.Empty(report.EarlyRotations);
        Assert.Empty(report.Errors);
        Assert.Equal(0, report.UnavailableWithoutOutage);
        Assert.Equal(0, report.LeftBehind);

        // It must have been a soak: everybody refreshed again and again, and everything was killed.
        Assert.True(report.Rotations > plan.People * plan.Length.TotalSeconds / 20, report.ToString());
        Assert.True(report.Replays > 0 && report.NodeKills > 0 && report.RedisKills > 0 && report.PostgresKills > 0, report.ToString());
    }
}
