using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Locking;

/// <summary>The door bell among nodes: heard while Redis is there, and no trouble to anybody while it is not.</summary>
public sealed class RedisBellTests : IAsyncLifetime
{
    private readonly Gate heard = new();
    private RedisServer server = null!;
    private RedisNode here = null!;
    private RedisNode there = null!;

    public async ValueTask InitializeAsync()
    {
        server = await RedisServer.StartAsync();
        here = await RedisNode.ConnectAsync(server, The.WallClock);
        there = await RedisNode.ConnectAsync(server, The.WallClock);
    }

    public async ValueTask DisposeAsync()
    {
        await there.DisposeAsync();
        await here.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Who_listens_hears_it_on_the_other_node_and_on_the_own()
    {
        await HearAsync(there);
        await HearAsync(here);

        here.Bell.Ring();

        await heard.ArrivedAsync(2);
    }

    /// <summary>The name that docs/redis.md gives: what else uses this Redis hears nothing of it.</summary>
    [Fact]
    public async Task It_has_a_channel_of_its_own()
    {
        await HearAsync(there);
        await there.SettleAsync();

        Assert.Single((StackExchange.Redis.RedisResult[])(await server.AskAsync("PUBSUB", "CHANNELS", "webapp:revoked"))!);
    }

    [Fact]
    public async Task It_is_heard_again_after_Redis_was_away()
    {
        await HearAsync(there);
        var (hereRestored, thereRestored) = (await here.RestoredAsync(), await there.RestoredAsync());
        await server.RestartAsync();
        await hereRestored();
        await thereRestored();
        await there.SettleAsync();

        here.Bell.Ring();

        await heard.Arrived;
    }

    [Fact]
    public async Task Whoever_starts_while_Redis_is_away_hears_it_later()
    {
        await server.KillAsync();
        await using var early = await RedisNode.StartAsync(server.Configuration, The.WallClock);
        await HearAsync(early);
        var (hereRestored, earlyRestored) = (await here.RestoredAsync(), await early.RestoredAsync());
        await server.RestartAsync();
        await hereRestored();
        await earlyRestored();
        await early.SettleAsync();

        here.Bell.Ring();

        await heard.Arrived;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Ringing_never_throws(bool closed)
    {
        await HearAsync(here);
        await server.KillAsync();
        if (closed)
        {
            await here.DisposeAsync();
        }

        here.Bell.Ring();
    }

    /// <summary>CLIENT PAUSE leaves whoever publishes waiting.</summary>
    [Fact]
    public async Task Ringing_waits_for_nobody()
    {
        await server.PauseAsync();
        var started = The.WallClock.GetTimestamp();

        here.Bell.Ring();

        Assert.InRange(The.WallClock.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromMilliseconds(100));
        await server.ResumeAsync();
    }

    private Task HearAsync(RedisNode node) => node.Bell.HearAsync(() => _ = heard.PassAsync(), CancellationToken.None);
}
