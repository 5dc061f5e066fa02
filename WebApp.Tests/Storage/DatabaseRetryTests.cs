using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Storage;

/// <summary>Scenario 25: what may pass is tried again, and not for ever.</summary>
public sealed class DatabaseRetryTests
{
    private readonly WatchedTime time = new();
    private int attempts;

    [Fact]
    public async Task What_succeeds_is_not_done_twice()
    {
        Assert.Equal(1, await RunAsync(_ => { }));
        Assert.Equal(1, attempts);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_fault_that_passes_is_not_noticed(int faults)
    {
        Assert.Equal(faults + 1, await RunAsync(attempt => ThrowIf(attempt <= faults)));
    }

    [Fact]
    public async Task A_fault_that_stays_is_told_after_three_attempts()
    {
        await Assert.ThrowsAsync<SqliteException>(() => RunAsync(_ => ThrowIf(true)));
        Assert.Equal(3, attempts);
    }

    [Theory]
    [InlineData(2000, 2)]
    [InlineData(2001, 1)]
    public async Task A_fault_that_was_long_in_coming_is_not_waited_for_again(int milliseconds, int expected)
    {
        var failure = await Record.ExceptionAsync(() => RunAsync(attempt =>
        {
            time.Advance(TimeSpan.FromMilliseconds(milliseconds));
            ThrowIf(attempt == 1);
        }));

        Assert.Equal((expected, expected == 1), (attempts, failure is SqliteException));
    }

    /// <summary>A server that was killed under a statement that had waited for long.</summary>
    [Fact]
    public async Task A_connection_that_broke_late_is_no_reason_to_give_up()
    {
        Assert.Equal(2, await RunAsync(attempt =>
        {
            time.Advance(TimeSpan.FromSeconds(4));
            if (attempt == 1)
            {
                throw new NpgsqlException("Exception while reading from stream", new EndOfStreamException());
            }
        }));
    }

    /// <summary>A fail-over, a restart, or a crash beside it: the server says why before it closes the connection.</summary>
    [Theory]
    [InlineData(PostgresErrorCodes.AdminShutdown, 2)]
    [InlineData(PostgresErrorCodes.CrashShutdown, 2)]
    [InlineData(PostgresErrorCodes.LockNotAvailable, 1)]
    public async Task A_server_that_ended_the_connection_late_is_no_reason_to_give_up(string state, int expected)
    {
        var failure = await Record.ExceptionAsync(() => RunAsync(attempt =>
        {
            time.Advance(TimeSpan.FromSeconds(4));
            if (attempt == 1)
            {
                throw new InvalidOperationException("Try again.", new PostgresException("terminating connection", "FATAL", "FATAL", state));
            }
        }));

        Assert.Equal((expected, expected == 1), (attempts, failure is not null));
    }

    [Fact]
    public async Task A_server_that_fell_silent_is_not_waited_for_again()
    {
        await Assert.ThrowsAsync<NpgsqlException>(() => RunAsync(_ =>
        {
            time.Advance(TimeSpan.FromSeconds(4));
            throw new NpgsqlException("Exception while reading from stream", new IOException("", new TimeoutException()));
        }));
        Assert.Equal(1, attempts);
    }

    [Fact]
    public async Task A_defect_and_a_caller_that_left_are_told_at_once()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(() => RunAsync(_ => throw new InvalidOperationException()));
        await Assert.ThrowsAsync<OperationCanceledException>(
            () => RunAsync(_ => throw new OperationCanceledException("Left.", new SqliteException("interrupted", 9))));
        Assert.Equal(2, attempts);
    }

    private static void ThrowIf(bool faulty)
    {
        if (faulty)
        {
            throw new SqliteException("database is locked", 5);
        }
    }

    private Task<int> RunAsync(Action<int> work) =>
        new DatabaseRetry(time, NullLogger<DatabaseRetry>.Instance).RunAsync(() =>
        {
            work(++attempts);
            return Task.FromResult(attempts);
        });
}
