using System.Collections.Concurrent;

namespace WebApp.Coordination;

/// <summary>
/// Lets callers that ask for the same thing at the same time share one piece of work. The work belongs to none of them: it runs
/// to its end whoever leaves, so that an aborted reload neither aborts, wastes nor hides a rotation (scenario 4).
/// </summary>
internal sealed class Flights<TKey, TResult>
    where TKey : notnull
{
    private readonly ConcurrentDictionary<TKey, TaskCompletionSource<TResult>> flights = new();

    /// <summary>How many pieces of work are under way.</summary>
    public int Count => flights.Count;

    /// <summary>
    /// Joins the work under way for this key, or starts it. The returned task is the passenger's own: what follows it runs where
    /// the passenger came from.
    /// </summary>
    public async Task<TResult> JoinAsync(TKey key, Func<Task<TResult>> work)
    {
        var mine = new TaskCompletionSource<TResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        var flight = flights.GetOrAdd(key, mine);
        if (ReferenceEquals(flight, mine))
        {
            // The work must not see the first caller's request through what flows with an await.
            using (ExecutionContext.SuppressFlow())
            {
                _ = Task.Factory.StartNew(
                    () => FlyAsync(key, mine, work), CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskScheduler.Current);
            }
        }

        return await flight.Task;
    }

    /// <summary>
    /// The flight ends before its passengers are told: whoever asks afterwards starts a new one, and the database, not a
    /// remembered result, answers.
    /// </summary>
    private async Task FlyAsync(TKey key, TaskCompletionSource<TResult> flight, Func<Task<TResult>> work)
    {
        try
        {
            var result = await work();
            flights.TryRemove(key, out _);
            flight.SetResult(result);
        }
        catch (Exception failure)
        {
            flights.TryRemove(key, out _);
            flight.SetException(failure);
        }
    }
}
