using WebApp.Telemetry;

namespace WebApp.Storage;

/// <summary>
/// Does again, at once, what met a fault of the database that may pass: a deadlock, a serialization failure, a busy file, a lost
/// connection, a commit of unknown outcome (scenarios 24 and 25). For work that may safely be done twice, as a whole.
/// </summary>
internal sealed partial class DatabaseRetry(TimeProvider time, ILogger<DatabaseRetry> logger)
{
    /// <summary>How often in all.</summary>
    public const int MaxAttempts = 3;

    /// <summary>
    /// A fault that took longer to show is a database that is silent or overloaded, and doing it again would only wait as long
    /// once more. Longer than the second after which PostgreSQL looks for a deadlock. A connection that breaks says nothing of
    /// how fast the next one is.
    /// </summary>
    public static readonly TimeSpan Quick = TimeSpan.FromSeconds(2);

    /// <summary>Throws what the last attempt met.</summary>
    public async Task<T> RunAsync<T>(Func<Task<T>> work)
    {
        for (var attempt = 1; ; attempt++)
        {
            var started = time.GetTimestamp();
            try
            {
                return await work();
            }
            catch (Exception away) when (away.IsDatabaseAway())
            {
                DatabaseAway(logger, away, attempt, MaxAttempts);
                if (attempt == MaxAttempts || (time.GetElapsedTime(started) > Quick && !away.IsConnectionLost()))
                {
                    throw;
                }
            }
        }
    }

    [LoggerMessage(LogEvents.DatabaseAway, LogLevel.Warning,
        "The database did not settle what it was asked (attempt {Attempt} of at most {MaxAttempts}).")]
    private static partial void DatabaseAway(ILogger logger, Exception exception, int attempt, int maxAttempts);
}
