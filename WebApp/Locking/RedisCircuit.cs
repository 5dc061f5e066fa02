using Polly;
using Polly.CircuitBreaker;
using StackExchange.Redis;
using WebApp.Telemetry;

namespace WebApp.Locking;

/// <summary>
/// Spares refreshes a Redis that keeps them waiting, or answers with errors (protocol, "The coordinator"; scenario 22). While
/// the circuit is open nothing is sent; then one command tries whether Redis is well again, and the others are spared until it
/// is answered.
/// </summary>
internal sealed partial class RedisCircuit
{
    /// <summary>How long Redis is left alone before it is tried again.</summary>
    public static readonly TimeSpan Break = TimeSpan.FromSeconds(5);

    /// <summary>
    /// So many faults, and no fewer than a tenth of all commands, within this time open the circuit. Two are the fewest that the
    /// library takes, and long enough apart for two refreshes in a row that were each kept waiting.
    /// </summary>
    private static readonly TimeSpan Sampling = TimeSpan.FromSeconds(10);

    private readonly CircuitBreakerStateProvider state = new();
    private readonly ResiliencePipeline pipeline;
    private readonly ILogger logger;
    private int isOpen;

    public RedisCircuit(TimeProvider time, ILogger<RedisCircuit> logger)
    {
        this.logger = logger;
        pipeline = new ResiliencePipelineBuilder { TimeProvider = new Monotonic(time) }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions
            {
                // A lost connection is none of them: it fails commands at once, and some users' only, where Redis is a cluster.
                ShouldHandle = new PredicateBuilder().Handle<TimeoutException>().Handle<RedisServerException>(),
                MinimumThroughput = 2,
                FailureRatio = 0.1,
                SamplingDuration = Sampling,
                BreakDuration = Break,
                OnOpened = _ => Tell(1, Opened),
                OnClosed = _ => Tell(0, Closed),
                StateProvider = state,
            })
            .Build();
    }

    /// <summary>Whether Redis is left alone, or is only just being tried again.</summary>
    public bool IsOpen => state.CircuitState != CircuitState.Closed;

    /// <summary>Throws what the command throws, and <see cref="BrokenCircuitException"/> if nothing was sent.</summary>
    public async Task<T> AskAsync<T>(Func<Task<T>> command) =>
        await pipeline.ExecuteAsync(static async (ask, _) => await ask(), command);

    /// <summary>Once a change: a trial that fails opens the circuit again, and is not told again.</summary>
    private ValueTask Tell(int now, Action<ILogger> tell)
    {
        if (Interlocked.Exchange(ref isOpen, now) != now)
        {
            tell(logger);
        }

        return ValueTask.CompletedTask;
    }

    [LoggerMessage(LogEvents.RedisCircuitOpened, LogLevel.Warning,
        "Redis kept refreshes waiting or answered with errors; until it is well again they are settled by the database alone.")]
    private static partial void Opened(ILogger logger);

    [LoggerMessage(LogEvents.RedisCircuitClosed, LogLevel.Information, "Redis answers again; refreshes use its locks.")]
    private static partial void Closed(ILogger logger);

    /// <summary>
    /// The library measures by the clock on the wall. One that is set back meanwhile would keep the circuit open for as long
    /// (scenario 28).
    /// </summary>
    private sealed class Monotonic(TimeProvider time) : TimeProvider
    {
        private readonly long started = time.GetTimestamp();

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch + time.GetElapsedTime(started);
    }
}
