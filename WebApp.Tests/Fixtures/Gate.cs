using System.Globalization;

namespace WebApp.Tests.Fixtures;

/// <summary>Stops whoever comes by until it is opened, and tells when the first, or the n-th, has arrived.</summary>
internal sealed class Gate
{
    private readonly TaskCompletionSource opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<int, TaskCompletionSource> arrivals = [];
    private int arrived;

    public Task Arrived => ArrivedAsync(1);

    public int Count => Volatile.Read(ref arrived);

    /// <summary>Completes when so many have arrived in all.</summary>
    public Task ArrivedAsync(int count)
    {
        lock (arrivals)
        {
            if (!arrivals.TryGetValue(count, out var arrival))
            {
                arrivals[count] = arrival = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                if (arrived >= count)
                {
                    arrival.SetResult();
                }
            }

            return arrival.Task.WaitAsync(Patience.Long);
        }
    }

    public void Open() => opened.TrySetResult();

    /// <summary>Arrives, and waits for the gate to be opened.</summary>
    public Task PassAsync()
    {
        lock (arrivals)
        {
            arrived++;
            if (arrivals.TryGetValue(arrived, out var arrival))
            {
                arrival.TrySetResult();
            }
        }

        return opened.Task.WaitAsync(Patience.Long);
    }
}

/// <summary>
/// How long a test waits for something that must happen before it fails. Never how long something takes. <c>PATIENCE=15</c>, in
/// seconds, is for whoever runs tests that are meant to fail.
/// </summary>
internal static class Patience
{
    public static TimeSpan Long { get; } = TimeSpan.FromSeconds(
        Environment.GetEnvironmentVariable("PATIENCE") is { Length: > 0 } seconds ? int.Parse(seconds, CultureInfo.InvariantCulture) : 60);
}
