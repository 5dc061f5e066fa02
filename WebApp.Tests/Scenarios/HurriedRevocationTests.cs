using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using WebApp.Composition;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tests.Storage;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>
/// Scenarios 21 and 34 with Redis: what one node ends, the others read at once. The clocks stand still, so that no reading of
/// each second helps.
/// </summary>
public sealed class HurriedRevocationTests
{
    [Fact]
    public async Task A_session_that_ends_on_one_node_is_read_by_the_other_before_its_next_tick()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var site = Site.Start(("ConnectionStrings:Redis", redis.Configuration));
        await using var other = site.StartAnother();
        await ListeningAsync(other);
        using var visitor = await Visitor.SignedInAsync(site);
        using var there = visitor.Twin().MoveTo(other);
        using var before = await there.GetAsync("/api/me");
        var read = other.Database.NextAsync(Sql.ReadRevoked);

        await EndAsync(site);
        await read;
        await DoneReadingAsync(other);

        using var after = await there.GetAsync("/api/me");
        Assert.Equal(HttpStatusCode.OK, before.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, after.StatusCode);
    }

    /// <summary>The database is the only source: a bell that is not heard costs the rest of a second.</summary>
    [Fact]
    public async Task With_Redis_away_the_next_tick_finds_it()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var site = Site.Start(("ConnectionStrings:Redis", redis.Configuration));
        await using var other = site.StartAnother();
        await ListeningAsync(other);
        using var visitor = await Visitor.SignedInAsync(site);
        using var there = visitor.Twin().MoveTo(other);
        await redis.KillAsync();
        await EndAsync(site);
        var read = other.Database.NextAsync(Sql.ReadRevoked);

        other.Time.Advance(TimeSpan.FromSeconds(1));
        await read;
        await DoneReadingAsync(other);

        using var after = await there.GetAsync("/api/me");
        Assert.Equal(HttpStatusCode.Unauthorized, after.StatusCode);
    }

    /// <summary>Documented layout (docs/redis.md): a lock of a user, with an end, and nothing else.</summary>
    [Fact]
    public async Task No_key_is_without_an_end_and_none_is_left()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var site = Site.StartInRealTime(("ConnectionStrings:Redis", redis.Configuration));
        await using var other = site.StartAnother();
        await ListeningAsync(site);
        var gate = site.Database.Hold(DatabaseProbe.Rotation);
        var refreshes = new List<Task<HttpResponseMessage>>();
        using var visitor = await Visitor.SignedInAsync(site);
        visitor.Pair = visitor.Pair.WithoutAccess();
        refreshes.Add(visitor.Twin().GetAsync("/api/me"));
        await gate.Arrived;
        refreshes.Add(visitor.Twin().MoveTo(other).GetAsync("/api/me"));

        var keys = await KeysAsync(redis);
        site.Database.StopHolding(DatabaseProbe.Rotation);
        foreach (var refresh in refreshes)
        {
            using var answer = await refresh;
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        await EndAsync(site);
        var user = (await site.TheSessionAsync()).UserId;
        var (key, left) = Assert.Single(keys);
        Assert.Equal($"webapp:lock:{{{user}}}", key);
        Assert.InRange(left, 1, 10_000);
        Assert.Empty(await KeysAsync(redis));
    }

    private static async Task<List<(string Key, long LeftMilliseconds)>> KeysAsync(RedisServer redis)
    {
        var connection = await redis.ConnectAsync();
        var keys = new List<(string, long)>();
        await foreach (var key in connection.GetServer("127.0.0.1", redis.Port).KeysAsync(pageSize: 1000))
        {
            keys.Add((key!, (long)await connection.GetDatabase().ExecuteAsync("PTTL", key)));
        }

        return keys;
    }

    /// <summary>Completes once this node's bell is heard by Redis.</summary>
    private static Task ListeningAsync(Site site) =>
        site.Services.GetServices<IHostedService>().OfType<RevocationBell>().Single().ExecuteTask!.InTime();

    private static async Task EndAsync(Site site) => await site.Services.GetRequiredService<SessionRevoker>().RevokeAsync(
        new SessionId((await site.TheSessionAsync()).Id), RefusalReason.Revoked, CancellationToken.None);

    /// <summary>
    /// A reading is done when the next one has begun. The clock is moved until then: a tick is lost if the bell sets the timer in the
    /// very moment in which the clock is moved.
    /// </summary>
    private static Task DoneReadingAsync(Site site)
    {
        var next = site.Database.NextAsync(Sql.ReadRevoked);
        return Waiting.UntilAsync(() =>
        {
            site.Time.Advance(TimeSpan.FromSeconds(1));
            return Task.FromResult(next.IsCompleted);
        });
    }
}
