using Microsoft.Extensions.Time.Testing;

namespace WebApp.Tests.Fixtures;

/// <summary>A clock that stands still until it is moved, and tells who waits for it.</summary>
internal sealed class WatchedTime() : FakeTimeProvider(The.Beginning)
{
    private readonly Gate waits = new();
    private readonly Gate tickers = new();

    /// <summary>Completes once something waits, for the n-th time in all, until a certain time.</summary>
    public Task WaitsAsync(int count) => waits.ArrivedAsync(count);

    /// <summary>Completes once so many periodic timers have been set in all.</summary>
    public Task TickersAsync(int count) => tickers.ArrivedAsync(count);

    /// <summary>How many periodic timers have been set in all.</summary>
    public int Tickers => tickers.Count;

    /// <summary>How long the last one waits that waits until a certain time.</summary>
    public TimeSpan LastWait { get; private set; }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        if (period != Timeout.InfiniteTimeSpan)
        {
            _ = tickers.PassAsync();
            return timer;
        }

        LastWait = dueTime;
        _ = waits.PassAsync();
        return timer;
    }
}
