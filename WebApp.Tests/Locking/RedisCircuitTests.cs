using Microsoft.Extensions.Logging;
using Polly.CircuitBreaker;
using StackExchange.Redis;
using WebApp.Locking;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Locking;

/// <summary>Scenario 22, for the circuit alone: when it opens, whom it spares, and how it closes.</summary>
public sealed class RedisCircuitTests : IDisposable
{
    private readonly WatchedTime time = new();
    private readonly MachineClocks machine;
    private readonly LogProbe logs = new();
    private readonly LoggerFactory loggers;
    private readonly RedisCircuit circuit;
    private int sent;

    public RedisCircuitTests()
    {
        machine = new MachineClocks(time);
        loggers = new LoggerFactory([logs]);
        circuit = new RedisCircuit(machine, loggers.CreateLogger<RedisCircuit>());
    }

    public static TheoryData<Exception> Faults => [new RedisTimeoutException("late", CommandStatus.Sent), new RedisServerException("LOADING")];

    public void Dispose() => loggers.Dispose();

    [Theory]
    [MemberData(nameof(Faults), DisableDiscoveryEnumeration = true)]
    public async Task After_two_faults_nothing_is_sent(Exception fault)
    {
        Assert.Same(fault, await AskAsync(fault));
        Assert.False(circuit.IsOpen);
        Assert.Same(fault, await AskAsync(fault));
        Assert.True(circuit.IsOpen);

        Assert.IsType<BrokenCircuitException>(await AskAsync());

        Assert.Equal(2, sent);
        Assert.Equal([LogEvents.RedisCircuitOpened], Told());
    }

    [Fact]
    public async Task A_connection_that_is_lost_opens_nothing()
    {
        for (var lost = 0; lost < 10; lost++)
        {
            await AskAsync(new RedisConnectionException(ConnectionFailureType.SocketClosed, "closed"));
        }

        Assert.False(circuit.IsOpen);
        Assert.Empty(logs.Entries);
    }

    [Fact]
    public async Task Two_faults_among_many_answers_open_nothing()
    {
        for (var answered = 0; answered < 30; answered++)
        {
            await AskAsync();
        }

        await FailTwiceAsync();

        Assert.False(circuit.IsOpen);
    }

    [Fact]
    public async Task Two_faults_far_apart_open_nothing()
    {
        await AskAsync(new TimeoutException());
        time.Advance(TimeSpan.FromSeconds(11));
        await AskAsync(new TimeoutException());

        Assert.False(circuit.IsOpen);
    }

    [Fact]
    public async Task One_command_tries_when_the_break_is_over_and_closes_the_circuit()
    {
        await FailTwiceAsync();
        time.Advance(RedisCircuit.Break - TimeSpan.FromMilliseconds(1));
        Assert.IsType<BrokenCircuitException>(await AskAsync());

        time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Null(await AskAsync());
        Assert.False(circuit.IsOpen);
        Assert.Equal([LogEvents.RedisCircuitOpened, LogEvents.RedisCircuitClosed], Told());
    }

    [Fact]
    public async Task A_trial_that_fails_leaves_it_open_and_is_not_told_again()
    {
        await FailTwiceAsync();
        time.Advance(RedisCircuit.Break);

        Assert.IsType<TimeoutException>(await AskAsync(new TimeoutException()));

        Assert.True(circuit.IsOpen);
        Assert.IsType<BrokenCircuitException>(await AskAsync());
        Assert.Equal([LogEvents.RedisCircuitOpened], Told());
    }

    /// <summary>Scenario 28: by the clock on the wall an hour would have to pass again.</summary>
    [Fact]
    public async Task A_clock_that_is_set_back_leaves_redis_alone_no_longer()
    {
        await FailTwiceAsync();

        machine.Skew = TimeSpan.FromHours(-1);
        time.Advance(RedisCircuit.Break);

        Assert.Null(await AskAsync());
    }

    private async Task FailTwiceAsync()
    {
        await AskAsync(new TimeoutException());
        await AskAsync(new TimeoutException());
    }

    /// <summary>Sends a command that is answered, or meets a fault. What came of it: nothing, or an exception.</summary>
    private async Task<Exception?> AskAsync(Exception? fault = null) => await Record.ExceptionAsync(() => circuit.AskAsync(() =>
    {
        sent++;
        return fault is null ? Task.FromResult(true) : Task.FromException<bool>(fault);
    }));

    private IEnumerable<int> Told() => logs.Entries.Select(entry => entry.Event.Id);
}
