using System.IO.Pipelines;
using System.Net.Sockets;
using StackExchange.Redis;
using WebApp.Locking;
using Xunit;

namespace WebApp.Tests.Locking;

/// <summary>Scenario 20: what the client throws when Redis is away, and what it does not.</summary>
public sealed class RedisFaultsTests
{
    public static TheoryData<Exception> Away =>
    [
        new RedisConnectionException(ConnectionFailureType.SocketClosed, "closed"),
        new RedisTimeoutException("late", CommandStatus.Unknown),
        new RedisServerException("LOADING"),
        new TimeoutException(),
        new ObjectDisposedException("the connection"),
        new TaskCanceledException(),
        new IOException("Connection reset by peer", new SocketException(104)),
        new SocketException(104),
    ];

    [Theory]
    [MemberData(nameof(Away), DisableDiscoveryEnumeration = true)]
    public void Redis_is_away(Exception fault) => Assert.True(fault.IsRedisAway());

    /// <summary>A command that is written while its connection breaks meets a pipe that has been completed.</summary>
    [Fact]
    public void A_connection_that_breaks_under_a_command_is_a_Redis_that_is_away()
    {
        var pipe = new Pipe();
        pipe.Writer.Complete();

        Assert.True(Record.Exception(() => pipe.Writer.GetSpan(1))!.IsRedisAway());
    }

    [Fact]
    public void A_defect_of_ours_is_not_blamed_on_Redis()
    {
        Assert.False(new InvalidOperationException().IsRedisAway());
        Assert.False(new ArgumentException().IsRedisAway());
        Assert.False(Record.Exception(() => Array.Empty<int>().First())!.IsRedisAway());
    }
}
