namespace WebApp.Tests.Fixtures;

/// <summary>How tests wait for what must happen.</summary>
internal static class Waiting
{
    /// <summary>Waits for what must happen, and fails if it does not.</summary>
    public static Task InTime(this Task task) => task.WaitAsync(Patience.Long);

    /// <inheritdoc cref="InTime(Task)"/>
    public static Task<T> InTime<T>(this Task<T> task) => task.WaitAsync(Patience.Long);

    /// <summary>Lets time pass, as people and operators do who wait for nothing in particular.</summary>
    public static async Task PauseAsync(this TimeProvider time, TimeSpan pause)
    {
        using var timer = new PeriodicTimer(pause, time);
        await timer.WaitForNextTickAsync();
    }

    /// <summary>Asks until the answer is yes: for what a server tells only when it is asked.</summary>
    public static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        using var patience = The.Patience();
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(20), The.WallClock);
        while (!await isSo())
        {
            await pace.WaitForNextTickAsync(patience.Token);
        }
    }

    /// <summary>Completes once the token is cancelled.</summary>
    public static async Task CancelledAsync(this CancellationToken token)
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = token.Register(() => cancelled.TrySetResult());
        await cancelled.Task.InTime();
    }
}
