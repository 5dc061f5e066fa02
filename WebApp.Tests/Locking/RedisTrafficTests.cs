using WebApp.Configuration;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Locking;

/// <summary>What the locks send, and what they leave behind (docs/redis.md has the figures).</summary>
public sealed class RedisTrafficTests : IAsyncLifetime
{
    private readonly WatchedTime time = new();
    private readonly UserId user = Some.User();
    private RedisServer server = null!;
    private RedisNode node = null!;

    public async ValueTask InitializeAsync()
    {
        server = await RedisServer.StartAsync();
        node = await RedisNode.ConnectAsync(server, time);
    }

    public async ValueTask DisposeAsync()
    {
        await node.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Scripts_travel_as_they_are_first_used_and_their_hashes_after_that()
    {
        for (var round = 0; round < 20; round++)
        {
            await using var lease = await node.Lock.AcquireAsync(user);
            await RenewAsync();
        }

        var calls = await server.WorkAsync();
        Assert.Equal((38, 2, 2), (calls["evalsha"], calls["eval"], calls["script|load"]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_Redis_that_has_forgotten_its_scripts_learns_them_again_and_nobody_notices(bool restarted)
    {
        await (await node.Lock.AcquireAsync(user)).DisposeAsync();
        await ForgetScriptsAsync(restarted);

        var lease = await node.Lock.AcquireAsync(user);
        await RenewAsync();
        Assert.False(lease.Lost.IsCancellationRequested);
        await lease.DisposeAsync();

        Assert.Equal(0, (int)await server.AskAsync("EXISTS", RedisNode.KeyOf(user)));
        Assert.DoesNotContain(node.Logs.Entries, entry => entry.Level >= Microsoft.Extensions.Logging.LogLevel.Warning);
    }

    /// <summary>What is given back in the background has nobody who would send the script again.</summary>
    [Fact]
    public async Task Giving_back_in_the_background_needs_no_script_that_Redis_knows()
    {
        await (await node.Lock.AcquireAsync(user)).DisposeAsync();
        var slot = node.Locks.Open(user)!;
        Assert.True(await slot.TryTakeAsync());
        await ForgetScriptsAsync(restarted: false);

        slot.ReleaseInBackground();
        await node.SettleAsync();

        Assert.Equal(0, (int)await server.AskAsync("EXISTS", RedisNode.KeyOf(user)));
    }

    [Fact]
    public async Task A_lock_that_is_held_when_the_circuit_opens_is_given_back_all_the_same()
    {
        var lease = await node.Lock.AcquireAsync(user);
        await Assert.ThrowsAsync<TimeoutException>(() => node.Circuit.AskAsync<bool>(() => throw new TimeoutException()));
        Assert.True(node.Circuit.IsOpen);

        await lease.DisposeAsync();
        await node.SettleAsync();

        Assert.Equal(0, (int)await server.AskAsync("EXISTS", RedisNode.KeyOf(user)));
        Assert.Single(node.Logs.Entries, entry => entry.Event.Id == LogEvents.LockReleaseFailed);
    }

    /// <summary>CLIENT PAUSE would leave whoever asks waiting for a second.</summary>
    [Fact]
    public async Task Giving_back_in_the_background_waits_for_nobody()
    {
        var slot = node.Locks.Open(user)!;
        Assert.True(await slot.TryTakeAsync());
        await server.PauseAsync();
        var started = The.WallClock.GetTimestamp();

        slot.ReleaseInBackground();

        Assert.InRange(The.WallClock.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromMilliseconds(500));
        await server.ResumeAsync();
    }

    /// <summary>The client would make up for it when Redis comes back.</summary>
    [Fact]
    public async Task A_subscription_that_fails_is_told_and_given_up()
    {
        var slot = node.Locks.Open(user)!;
        var restored = await node.RestoredAsync();
        await server.KillAsync();

        await Assert.ThrowsAnyAsync<StackExchange.Redis.RedisException>(() => slot.SubscribeAsync());

        await server.RestartAsync();
        await restored();
        await node.SettleAsync();
        Assert.Empty((StackExchange.Redis.RedisResult[])(await server.AskAsync("PUBSUB", "CHANNELS", "webapp:*"))!);
    }

    /// <summary>One looks as it comes, one after it has subscribed and one when it is woken: none when another is.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(50)]
    public async Task Waiters_of_one_node_share_a_subscription_and_are_woken_one_by_one(int waiters)
    {
        var holder = await node.Lock.AcquireAsync(user);
        await (await node.Lock.AcquireAsync(Some.User())).DisposeAsync();
        var waiting = Enumerable.Range(0, waiters).Select(_ => node.Lock.AcquireAsync(user).AsTask()).ToList();
        await time.WaitsAsync(waiters);
        var watcher = await server.ConnectAsync();
        var subscribed = (StackExchange.Redis.RedisResult[])(await watcher.GetDatabase().ExecuteAsync(
            "PUBSUB", "NUMSUB", RedisNode.KeyOf(user) + ":released"))!;
        Assert.Equal(1, (int)subscribed[1]);

        while (waiting.Count > 0)
        {
            await holder.DisposeAsync();
            var next = await Task.WhenAny(waiting).InTime();
            waiting.Remove(next);
            holder = await next;
        }

        await holder.DisposeAsync();
        var calls = await server.WorkAsync();
        Assert.Equal((3 * waiters) + 2, calls["set"]);
        Assert.Equal(waiters + 2, calls["evalsha"] + calls["eval"]);
    }

    private async Task ForgetScriptsAsync(bool restarted)
    {
        if (!restarted)
        {
            await server.AskAsync("SCRIPT", "FLUSH");
            return;
        }

        var restored = await node.RestoredAsync();
        await server.RestartAsync();
        await restored();
    }

    /// <summary>Returns once a renewal was carried out.</summary>
    private async Task RenewAsync()
    {
        var events = await server.WatchAsync(RedisNode.KeyOf(user));
        time.Advance(new SessionsOptions().LockLease / 3);
        Assert.Equal("expire", await events.NextAsync());
    }
}
