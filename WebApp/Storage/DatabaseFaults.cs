using System.Data.Common;
using Npgsql;

namespace WebApp.Storage;

/// <summary>Tells the database's own failures from ours. None of them is ever a refusal.</summary>
internal static class DatabaseFaults
{
    /// <summary>
    /// Whether the database did not answer, answered too late, or left open whether it carried out what it was asked. Trying
    /// again is always safe: it rotates or it replays (scenarios 23 to 25).
    /// </summary>
    public static bool IsDatabaseAway(this Exception exception) => exception switch
    {
        DbException or TimeoutException => true,

        // Whoever asked has given up, whatever the provider says of its statement.
        OperationCanceledException => false,

        // Inside what EF Core or a provider makes of it: DbUpdateException, RetryLimitExceededException, or the
        // InvalidOperationException by which some providers advise to try again.
        { InnerException: { } inner } => inner.IsDatabaseAway(),
        _ => false,
    };

    /// <summary>
    /// Whether it is a connection that broke, as far as the provider tells: an end, a reset, a server's last word, and not a time-out.
    /// </summary>
    public static bool IsConnectionLost(this Exception exception) => exception switch
    {
        IOException { InnerException: not TimeoutException } => true,

        // A server that is shut down, or whose connections are, says so before it closes them; and one of whose processes crashed.
        PostgresException { SqlState: PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown } => true,
        { InnerException: { } inner } => inner.IsConnectionLost(),
        _ => false,
    };
}
