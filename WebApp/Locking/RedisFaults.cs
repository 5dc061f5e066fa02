using System.Net.Sockets;
using Polly.CircuitBreaker;
using StackExchange.Redis;

namespace WebApp.Locking;

/// <summary>Tells Redis's own failures from ours. None of them is ever a refusal.</summary>
internal static class RedisFaults
{
    /// <summary>
    /// Whether Redis did not answer, answered too late, or is no longer asked because the site is shutting down (scenario 19) or
    /// the circuit is open.
    /// </summary>
    public static bool IsRedisAway(this Exception exception) =>
        exception is RedisException or TimeoutException or ObjectDisposedException
            // The client's own, when it gives up a connection with commands under way: the site never cancels a command.
            or OperationCanceledException
            // What its socket meets, when that happens under a command that is being written.
            or IOException or SocketException
        || exception.IsClosedPipe()
        || exception.IsSpared();

    /// <summary>Whether the command was never sent, because the circuit is open. That it is was logged when it opened.</summary>
    public static bool IsSpared(this Exception exception) => exception is BrokenCircuitException;

    /// <summary>
    /// What the client lets slip when a command is written at the very moment at which its connection breaks: the pipe's own
    /// complaint, in place of an exception of Redis.
    /// </summary>
    private static bool IsClosedPipe(this Exception exception) =>
        exception is InvalidOperationException { Source: "System.IO.Pipelines" };
}
