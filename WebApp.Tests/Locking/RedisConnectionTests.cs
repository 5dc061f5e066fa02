using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using StackExchange.Redis;
using WebApp.Configuration;
using WebApp.Locking;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Locking;

/// <summary>The one connection of the site: how it opens, what it is bounded by, and what is said of it.</summary>
public sealed class RedisConnectionTests(SharedRedis shared) : IAsyncLifetime
{
    private readonly WatchedTime time = new();
    private readonly LogProbe logs = new();
    private readonly LoggerFactory loggers = new();
    private readonly List<RedisConnection> opened = [];
    private string redis = "";

    private static string Nowhere => $"127.0.0.1:{RedisServer.FreePort()}";

    public async ValueTask InitializeAsync()
    {
        loggers.AddProvider(logs);
        redis = (await shared.ServerAsync()).Configuration;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in opened)
        {
            await connection.DisposeAsync();
        }

        loggers.Dispose();
    }

    [Fact]
    public async Task A_connection_is_there_once_it_stands_and_not_after_it_was_closed()
    {
        var connection = Connection(redis);
        Assert.Null(connection.Current);
        await connection.StartAsync(CancellationToken.None);
        var multiplexer = await connection.Multiplexer.InTime();
        Assert.Same(multiplexer, connection.Current);
        Assert.Same(multiplexer, await connection.SoonAsync());

        await connection.DisposeAsync();

        Assert.False(multiplexer.IsConnected);
        Assert.Null(connection.Current);
    }

    /// <summary>Scenario 20. The clock stands still: it is not tried again.</summary>
    [Fact]
    public async Task The_first_attempt_is_the_last_whether_or_not_Redis_is_there()
    {
        var connection = Connection(Nowhere);
        await connection.StartAsync(CancellationToken.None);

        Assert.False((await connection.Multiplexer.InTime()).IsConnected);
        Assert.Null(connection.Current);
        Assert.Empty(logs.Entries);
    }

    [Fact]
    public async Task Who_cannot_use_a_connection_that_does_not_stand_waits_for_one_command_at_most()
    {
        var connection = Connection(redis);
        var waiting = connection.SoonAsync();

        time.Advance(RedisConnection.CommandTimeout);

        await Assert.ThrowsAsync<TimeoutException>(() => waiting.InTime());
    }

    /// <summary>Scenario 19: nobody is left waiting for a connection that was never opened.</summary>
    [Fact]
    public async Task A_connection_that_is_closed_before_it_was_opened_is_given_up()
    {
        var connection = Connection(redis);

        await connection.DisposeAsync();

        Assert.True(connection.Multiplexer.IsCanceled);
        Assert.Null(connection.Current);
    }

    [Theory]
    [InlineData("", 1000)]
    [InlineData(",asyncTimeout=200,connectTimeout=200", 200)]
    [InlineData(",asyncTimeout=9000,connectTimeout=9000", 1000)]
    public async Task A_command_takes_a_second_at_most_whatever_is_configured(string more, int milliseconds)
    {
        var connection = Connection(redis + more);
        await connection.StartAsync(CancellationToken.None);

        var settings = ConfigurationOptions.Parse((await connection.Multiplexer.InTime()).Configuration);

        Assert.Equal((milliseconds, milliseconds), (settings.AsyncTimeout, settings.ConnectTimeout));
    }

    [Fact]
    public async Task Sentinels_that_are_away_are_asked_again_each_second_and_that_is_told()
    {
        var connection = Connection(Nowhere + ",serviceName=webapp,connectTimeout=50,connectRetry=1");
        await connection.StartAsync(CancellationToken.None);
        for (var attempt = 1; attempt <= 3; attempt++)
        {
            await Waiting.UntilAsync(() => Task.FromResult(logs.Entries.Count == attempt));
            Assert.False(connection.Multiplexer.IsCompleted);
            time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.All(logs.Entries, entry => Assert.Equal(LogEvents.RedisNotOpened, entry.Event.Id));
        Assert.Null(connection.Current);
    }

    /// <summary>
    /// Scenario 20. As in a failover that the client sees halfway: of two masters it has chosen one, which then is none any more, while
    /// the other does not answer.
    /// </summary>
    [Fact]
    public async Task A_master_that_was_overlooked_is_found_within_a_second()
    {
        await using var one = await RedisServer.StartAsync();
        await using var two = await RedisServer.StartAsync();
        await using var toOne = TcpProxy.To(one.Port);
        await using var toTwo = TcpProxy.To(two.Port);
        var connection = Connection($"127.0.0.1:{toOne.Port},127.0.0.1:{toTwo.Port}");
        await connection.StartAsync(CancellationToken.None);
        var multiplexer = await connection.Multiplexer.InTime();
        await multiplexer.GetDatabase().StringSetAsync("key", "value");
        var (old, master, toMaster) = (await one.WorkAsync()).ContainsKey("set") ? (one, two, toTwo) : (two, one, toOne);
        toMaster.Hold();
        await old.AskAsync("REPLICAOF", "127.0.0.1", master.Port);
        await multiplexer.ConfigureAsync();
        toMaster.Release();
        Assert.True(multiplexer.IsConnected);
        Assert.Null(connection.Current);

        time.Advance(TimeSpan.FromSeconds(1));

        await Waiting.UntilAsync(() => Task.FromResult(connection.Current is not null));
        await multiplexer.GetDatabase().StringSetAsync("key", "value");
        Assert.Contains(logs.Entries, entry => entry.Event.Id == LogEvents.RedisMasterUnknown);
    }

    /// <summary>Without Redis the site works, and saves itself less work.</summary>
    [Fact]
    public async Task Health_is_degraded_while_there_is_no_connection_or_the_circuit_is_open()
    {
        var connection = Connection(redis);
        var circuit = new RedisCircuit(time, NullLogger<RedisCircuit>.Instance);
        var health = new RedisHealth(connection, circuit);
        Assert.Equal(HealthStatus.Degraded, await StatusAsync());

        await connection.StartAsync(CancellationToken.None);
        await connection.Multiplexer.InTime();
        Assert.Equal(HealthStatus.Healthy, await StatusAsync());

        for (var fault = 0; fault < 2; fault++)
        {
            await Assert.ThrowsAsync<TimeoutException>(() => circuit.AskAsync<bool>(() => throw new TimeoutException()));
        }

        Assert.Equal(HealthStatus.Degraded, await StatusAsync());

        async Task<HealthStatus> StatusAsync()
        {
            var result = await health.CheckHealthAsync(new HealthCheckContext());
            Assert.Equal(result.Status == HealthStatus.Healthy, string.IsNullOrEmpty(result.Description));
            return result.Status;
        }
    }

    private RedisConnection Connection(string configuration)
    {
        var options = Options.Create(new ConnectionsOptions { Redis = configuration });
        opened.Add(new RedisConnection(options, time, loggers.CreateLogger<RedisConnection>()));
        return opened[^1];
    }
}
