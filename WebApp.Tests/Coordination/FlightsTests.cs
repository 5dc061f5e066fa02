using WebApp.Coordination;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Coordination;

/// <summary>Callers that ask for the same thing at the same time share one piece of work, which belongs to none of them.</summary>
public sealed class FlightsTests
{
    private readonly Flights<string, int> flights = new();
    private readonly Gate gate = new();
    private int started;

    [Fact]
    public async Task All_who_join_share_one_piece_of_work()
    {
        var passengers = Enumerable.Range(0, 50).Select(_ => flights.JoinAsync("a", WorkAsync)).ToList();
        await gate.Arrived;
        Assert.Equal(1, flights.Count);
        Assert.All(passengers, passenger => Assert.False(passenger.IsCompleted));

        gate.Open();

        Assert.Equal(Enumerable.Repeat(1, 50), await Task.WhenAll(passengers));
        Assert.Equal((1, 0), (started, flights.Count));
    }

    [Fact]
    public async Task Who_asks_for_something_else_flies_alone()
    {
        var one = flights.JoinAsync("a", WorkAsync);
        var other = flights.JoinAsync("b", WorkAsync);
        await gate.ArrivedAsync(2);
        gate.Open();

        Assert.Equal([1, 2], new[] { await one, await other }.Order());
    }

    /// <summary>Scenario 4.</summary>
    [Fact]
    public async Task The_work_runs_to_its_end_when_every_caller_has_left()
    {
        var done = new Gate();
        using var leaving = new CancellationTokenSource();
        var passengers = Enumerable.Range(0, 5).Select(_ => flights.JoinAsync("a", WorkAndTellAsync).WaitAsync(leaving.Token)).ToList();
        await gate.Arrived;
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.WhenAll(passengers));

        gate.Open();

        await done.Arrived;

        async Task<int> WorkAndTellAsync()
        {
            var result = await WorkAsync();
            _ = done.PassAsync();
            return result;
        }
    }

    [Fact]
    public async Task A_caller_who_stays_is_not_harmed_by_one_who_leaves()
    {
        using var leaving = new CancellationTokenSource();
        var leaver = flights.JoinAsync("a", WorkAsync).WaitAsync(leaving.Token);
        var stayer = flights.JoinAsync("a", WorkAsync);
        await gate.Arrived;
        await leaving.CancelAsync();
        gate.Open();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaver);
        Assert.Equal(1, await stayer);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Work_that_fails_fails_all_and_the_next_call_starts_anew(bool synchronously)
    {
        var passengers = Enumerable.Range(0, 5).Select(_ => flights.JoinAsync("a", FailAsync)).ToList();
        gate.Open();
        foreach (var passenger in passengers)
        {
            Assert.Equal("a defect", (await Assert.ThrowsAsync<InvalidTimeZoneException>(() => passenger)).Message);
        }

        Assert.Equal(0, flights.Count);
        Assert.Equal(started + 1, await flights.JoinAsync("a", WorkAsync));

        Task<int> FailAsync() => synchronously ? throw Defect() : LaterAsync();

        async Task<int> LaterAsync()
        {
            await gate.PassAsync();
            throw Defect();
        }

        static InvalidTimeZoneException Defect() => new("a defect");
    }

    [Fact]
    public async Task Work_that_was_cancelled_is_over()
    {
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => flights.JoinAsync("a", () => Task.FromCanceled<int>(new CancellationToken(canceled: true))));

        gate.Open();
        Assert.Equal(1, await flights.JoinAsync("a", WorkAsync));
    }

    /// <summary>The database, and not a remembered result, answers whoever asks afterwards.</summary>
    [Fact]
    public async Task Who_comes_after_the_end_starts_a_new_flight()
    {
        gate.Open();
        for (var flight = 1; flight <= 100; flight++)
        {
            Assert.Equal(flight, await flights.JoinAsync("a", WorkAsync));
            Assert.Equal(0, flights.Count);
        }
    }

    /// <summary>Whoever has an answer and asks again starts anew, however quick.</summary>
    [Fact]
    public async Task A_flight_has_ended_by_the_time_its_passengers_know()
    {
        gate.Open();
        for (var flight = 0; flight < 5_000; flight++)
        {
            var passenger = flights.JoinAsync("a", () => Task.FromResult(0));
            SpinWait.SpinUntil(() => passenger.IsCompleted);

            Assert.Equal(0, flights.Count);
        }

        await gate.PassAsync();
    }

    [Fact]
    public async Task The_work_sees_nothing_of_the_request_that_started_it()
    {
        var request = new AsyncLocal<string> { Value = "the first caller's" };
        gate.Open();

        await flights.JoinAsync("a", async () =>
        {
            Assert.Null(request.Value);
            await WorkAsync();
            Assert.Null(request.Value);
            return 0;
        });

        Assert.Equal("the first caller's", request.Value);
    }

    /// <summary>Otherwise the flight would stay in the books for ever, and everybody after would wait for it.</summary>
    [Fact]
    public async Task A_caller_whose_context_does_not_flow_can_start_a_flight()
    {
        gate.Open();
        Task<int> flight;
        using (ExecutionContext.SuppressFlow())
        {
            flight = flights.JoinAsync("a", WorkAsync);
        }

        Assert.Equal(1, await flight.InTime());
    }

    [Fact]
    public async Task The_caller_does_not_do_the_work_itself()
    {
        using var blocking = new ManualResetEventSlim();

        var flight = flights.JoinAsync("a", () =>
        {
            blocking.Wait(Patience.Long, TestContext.Current.CancellationToken);
            return Task.FromResult(1);
        });

        Assert.False(flight.IsCompleted);
        blocking.Set();
        Assert.Equal(1, await flight.InTime());
    }

    private async Task<int> WorkAsync()
    {
        var number = Interlocked.Increment(ref started);
        await gate.PassAsync();
        return number;
    }
}
