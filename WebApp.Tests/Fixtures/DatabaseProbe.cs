using System.Collections.Concurrent;
using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Npgsql;

namespace WebApp.Tests.Fixtures;

/// <summary>
/// Sees every statement of the site, and can hold, fail or lose the answer of those that a test names by a part of them, in which
/// quotation marks do not count: PostgreSQL's statements have fewer than SQLite's.
/// </summary>
internal sealed class DatabaseProbe : DbCommandInterceptor, IDbTransactionInterceptor
{
    /// <summary>The statement that moves a session to its next generation.</summary>
    public const string Rotation = "UPDATE Sessions AS s\nSET Generation";

    /// <summary>The statement that writes down that a browser holds the current generation.</summary>
    public const string Seen = "SET SeenAt";

    private readonly ConcurrentQueue<string> statements = new();
    private readonly ConcurrentQueue<(string Statement, int Rows)> changes = new();
    private readonly ConcurrentDictionary<string, IReadOnlyDictionary<string, object?>> parameters = new();
    private readonly ConcurrentDictionary<string, Gate> holds = new();
    private readonly ConcurrentDictionary<string, Fault> faults = new();
    private readonly ConcurrentQueue<(string Part, Gate Watch)> watches = new();
    private readonly ConcurrentDictionary<string, Gate> counts = new();
    private readonly ConcurrentDictionary<DbTransaction, ConcurrentQueue<string>> uncommitted = new();

    private int commits;

    public IReadOnlyList<string> Statements => [.. statements];

    /// <summary>Transactions of more than one statement that were committed.</summary>
    public int Commits => commits;

    public bool IsDown { get; set; }

    public void Forget()
    {
        statements.Clear();
        changes.Clear();
        commits = 0;
    }

    public int Count(string part) => statements.Count(statement => Has(statement, part));

    /// <summary>What a statement was last sent with.</summary>
    public IReadOnlyDictionary<string, object?> ParametersOf(string statement) => parameters[statement];

    /// <summary>How many rows the statements with this part have changed in all.</summary>
    public int Changed(string part) => changes.Where(change => Has(change.Statement, part)).Sum(change => change.Rows);

    /// <summary>Statements with this part wait at the gate before they are carried out.</summary>
    public Gate Hold(string part) => holds.GetOrAdd(part, _ => new Gate());

    public void StopHolding(string part)
    {
        if (holds.TryRemove(part, out var gate))
        {
            gate.Open();
        }
    }

    /// <summary>
    /// Completes when the next statement with this part has been carried out, which in a transaction is its commit. To be asked
    /// before it is sent.
    /// </summary>
    public Task NextAsync(string part) => Watch(part).Arrived;

    /// <summary>Completes once so many statements with this part have been carried out since this was first asked.</summary>
    public Task ExecutedAsync(string part, int count = 1) => counts.GetOrAdd(part, Watch).ArrivedAsync(count);

    /// <summary>The next statements with this part fail without being carried out.</summary>
    /// <param name="code">A SQLite result code: 5 is SQLITE_BUSY, and on PostgreSQL a deadlock. Any other is a lost connection there.</param>
    public void FailBefore(string part, int times, int code = 5) => faults[part] = new Fault(times, code, AfterExecution: false);

    /// <summary>The next statements with this part are carried out, but their answer is lost.</summary>
    public void FailAfter(string part, int times, int code = 10) => faults[part] = new Fault(times, code, AfterExecution: true);

    public override async ValueTask<InterceptionResult<int>> NonQueryExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default)
    {
        await BeforeAsync(command);
        return result;
    }

    public override async ValueTask<InterceptionResult<DbDataReader>> ReaderExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<DbDataReader> result, CancellationToken cancellationToken = default)
    {
        await BeforeAsync(command);
        return result;
    }

    public override ValueTask<int> NonQueryExecutedAsync(
        DbCommand command, CommandExecutedEventData eventData, int result, CancellationToken cancellationToken = default)
    {
        After(command);
        changes.Enqueue((command.CommandText, result));
        return ValueTask.FromResult(result);
    }

    public override ValueTask<DbDataReader> ReaderExecutedAsync(
        DbCommand command, CommandExecutedEventData eventData, DbDataReader result, CancellationToken cancellationToken = default)
    {
        After(command);
        return ValueTask.FromResult(result);
    }

    private async Task BeforeAsync(DbCommand command)
    {
        if (IsDown)
        {
            throw FaultOf(command, code: 14);
        }

        statements.Enqueue(command.CommandText);
        parameters[command.CommandText] = command.Parameters.Cast<DbParameter>().ToDictionary(each => each.ParameterName, each => each.Value);
        foreach (var (part, gate) in holds)
        {
            if (Has(command.CommandText, part))
            {
                await gate.PassAsync();
            }
        }

        ThrowIfFaulty(command, afterExecution: false);
    }

    public Task TransactionCommittedAsync(
        DbTransaction transaction, TransactionEndEventData eventData, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref commits);
        foreach (var statement in uncommitted.TryRemove(transaction, out var statements) ? [.. statements] : Array.Empty<string>())
        {
            Tell(statement);
        }

        return Task.CompletedTask;
    }

    private void After(DbCommand command)
    {
        ThrowIfFaulty(command, afterExecution: true);
        if (command.Transaction is { } transaction)
        {
            uncommitted.GetOrAdd(transaction, _ => new()).Enqueue(command.CommandText);
        }
        else
        {
            Tell(command.CommandText);
        }
    }

    private void Tell(string statement)
    {
        foreach (var (_, watch) in watches.Where(each => Has(statement, each.Part)))
        {
            _ = watch.PassAsync();
        }
    }

    private Gate Watch(string part)
    {
        var watch = new Gate();
        watches.Enqueue((part, watch));
        return watch;
    }

    private void ThrowIfFaulty(DbCommand command, bool afterExecution)
    {
        foreach (var (part, fault) in faults)
        {
            if (fault.AfterExecution == afterExecution && Has(command.CommandText, part) && fault.TryTake())
            {
                throw FaultOf(command, fault.Code);
            }
        }
    }

    private static bool Has(string statement, string part) => Plain(statement).Contains(Plain(part), StringComparison.Ordinal);

    private static string Plain(string statement) => statement.Replace("\"", "", StringComparison.Ordinal);

    /// <summary>What the command's own provider throws in such a case.</summary>
    private static DbException FaultOf(DbCommand command, int code)
    {
        const string Message = "A fault that the test asked for.";
        return command switch
        {
            SqliteCommand => new SqliteException(Message, code),
            _ when code == 5 => new PostgresException(Message, "ERROR", "ERROR", PostgresErrorCodes.DeadlockDetected),
            _ => new NpgsqlException(Message, new IOException(Message)),
        };
    }

    private sealed record Fault(int Times, int Code, bool AfterExecution)
    {
        private int left = Times;

        public bool TryTake() => Interlocked.Decrement(ref left) >= 0;
    }
}
