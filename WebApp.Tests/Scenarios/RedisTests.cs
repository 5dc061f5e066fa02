using System.Net;
using Microsoft.Extensions.DependencyInjection;
using WebApp.Locking;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>Scenarios 1, 20 and 22 with Redis: it saves work, and whatever becomes of it, nobody is signed out.</summary>
public sealed class RedisTests
{
    [Theory]
    [InlineData(60)]
    [InlineData(300)]
    public async Task Parallel_requests_on_two_nodes_that_share_Redis_rotate_once(int count)
    {
        await using var redis = await RedisServer.StartAsync();
        await using var site = Site.StartInRealTime(("ConnectionStrings:Redis", redis.Configuration));
        await using var other = site.StartAnother();
        using var here = await ExpiredAsync(site);
        using var there = here.MoveTo(other);

        await AssertOneRotationAsync(site, count, index => index % 2 == 0 ? here : there);
        Assert.True((await redis.CallsAsync()).ContainsKey("set"));
    }

    [Fact]
    public async Task A_reload_with_a_valid_access_token_costs_no_Redis_command()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var site = Site.StartInRealTime(("ConnectionStrings:Redis", redis.Configuration));
        using var visitor = await Visitor.SignedInAsync(site);
        await site.Services.GetRequiredService<RedisConnection>().Multiplexer;

        var before = await redis.CallsAsync();
        for (var reload = 0; reload < 200; reload++)
        {
            using var answer = await visitor.GetAsync("/notes");
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        var after = await redis.CallsAsync();

        // What locks and cache send. Connecting, which the test does to ask, is none of it.
        string[] commands = ["set", "evalsha", "eval", "publish", "hget", "hmget", "pexpire", "del"];
        Assert.All(commands, command => Assert.Equal(before.GetValueOrDefault(command), after.GetValueOrDefault(command)));
    }

    [Fact]
    public async Task With_Redis_away_at_the_start_the_site_refreshes_and_uses_Redis_once_it_is_there()
    {
        await using var redis = await RedisServer.StartAsync();
        await redis.KillAsync();
        await using var site = Site.StartInRealTime(("ConnectionStrings:Redis", redis.Configuration));
        using var visitor = await ExpiredAsync(site);
        await AssertOneRotationAsync(site, 60, _ => visitor);

        await redis.RestartAsync();
        var connection = await site.Services.GetRequiredService<RedisConnection>().Multiplexer;
        await Restored(connection);
        using var later = await ExpiredAsync(site);
        await AssertOneRotationAsync(site, 60, _ => later);
        Assert.True((await redis.CallsAsync()).ContainsKey("set"));
    }

    [Theory]
    [InlineData(60)]
    [InlineData(300)]
    public async Task With_Redis_killed_parallel_requests_rotate_once(int count)
    {
        await using var redis = await RedisServer.StartAsync();
        await using var site = Site.StartInRealTime(("ConnectionStrings:Redis", redis.Configuration));
        await site.Services.GetRequiredService<RedisConnection>().Multiplexer;
        using var visitor = await ExpiredAsync(site);
        await redis.KillAsync();

        await AssertOneRotationAsync(site, count, _ => visitor);
    }

    [Fact]
    public async Task Redis_killed_while_a_refresh_holds_its_lock_disturbs_nobody()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var site = Site.StartInRealTime(("ConnectionStrings:Redis", redis.Configuration));
        await site.Services.GetRequiredService<RedisConnection>().Multiplexer;
        using var visitor = await ExpiredAsync(site);
        var gate = site.Database.Hold(DatabaseProbe.Rotation);

        var underWay = visitor.GetAsync("/api/me");
        await gate.Arrived;
        await redis.KillAsync();
        gate.Open();
        using var answer = await underWay;

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(1, answer.NewPair()!.Generation);
    }

    [Fact]
    public async Task A_Redis_that_does_not_answer_delays_a_refresh_by_its_time_out_and_no_more()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var site = Site.StartInRealTime(("ConnectionStrings:Redis", redis.Configuration));
        await site.Services.GetRequiredService<RedisConnection>().Multiplexer;
        using var visitor = await ExpiredAsync(site);
        await redis.PauseAsync();

        using var answer = await visitor.GetAsync("/api/me").WaitAsync(TimeSpan.FromSeconds(4));
        await redis.ResumeAsync();

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(1, answer.NewPair()!.Generation);
    }

    private static async Task<Visitor> ExpiredAsync(Site site)
    {
        var visitor = await Visitor.SignedInAsync(site);
        visitor.Pair = visitor.Pair.WithoutAccess();
        return visitor;
    }

    private static async Task AssertOneRotationAsync(Site site, int count, Func<int, Visitor> of)
    {
        // A jar each: none may learn of the new pair from another's answer.
        var tabs = Enumerable.Range(0, count).Select(index => of(index).Twin()).ToList();
        var answers = await Task.WhenAll(tabs.Select(tab => Task.Run(() => tab.GetAsync("/api/me"))));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        Assert.All(answers, answer => Assert.Equal(1, answer.NewPair()!.Generation));
        Assert.Equal(1, (await site.SessionAsync(answers[0].NewPair()!.Session)).Generation);
        tabs.ForEach(tab => tab.Dispose());
    }

    private static Task Restored(StackExchange.Redis.IConnectionMultiplexer connection)
    {
        var restored = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.ConnectionRestored += (_, which) =>
        {
            // The way for messages may be there before the one for commands.
            if (which.ConnectionType == StackExchange.Redis.ConnectionType.Interactive)
            {
                restored.TrySetResult();
            }
        };
        if (connection.IsConnected)
        {
            restored.TrySetResult();
        }

        return restored.Task.WaitAsync(Patience.Long);
    }
}
