using System.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Storage;

/// <summary>Scenario 25 on a real PostgreSQL: it breaks the site's own statement off, and nobody outside learns of it.</summary>
public sealed class PostgresDeadlockTests(SharedPostgres postgres)
{
    /// <summary>
    /// The rotation waits for the first, holds its turn at the row, for which the second waits, which holds what the first wants.
    /// Only the site's connection looks for deadlocks, so that it is the one that is broken off.
    /// </summary>
    [Fact]
    public async Task A_rotation_that_is_broken_off_in_a_deadlock_is_done_again()
    {
        await using var store = await OpenAsync("deadlock_timeout=2s");
        var (token, other) = (await store.SignInAsync(), await store.SignInAsync());
        await using var first = await Transaction.BeginAsync(store);
        await using var second = await Transaction.BeginAsync(store);
        await first.TouchAsync(token.Session);
        await second.TouchAsync(other.Session);
        var attempt = store.Probe.Hold(DatabaseProbe.Rotation);
        var judging = Task.Run(() => store.JudgeAsync(token));
        await attempt.Arrived;
        store.Probe.StopHolding(DatabaseProbe.Rotation);
        var again = store.Probe.Hold(DatabaseProbe.Rotation);
        await Transaction.WaitingAsync(store, 1);

        var secondWaits = second.TouchAsync(token.Session);
        await Transaction.WaitingAsync(store, 2);
        var firstWaits = first.TouchAsync(other.Session);
        await again.Arrived;
        await first.BreakOffAsync(firstWaits);
        await secondWaits.InTime();
        await second.RollBackAsync();
        store.Probe.StopHolding(DatabaseProbe.Rotation);

        Assert.Equal(RotationStatus.Rotated, (await judging.InTime()).Status);
        Assert.Contains("40P01", Assert.Single(store.Logs.Entries, entry => entry.Event.Id == LogEvents.DatabaseAway).Text);
    }

    [Fact]
    public async Task A_batch_of_proofs_that_is_broken_off_in_a_deadlock_is_written_later()
    {
        await using var store = await OpenAsync("deadlock_timeout=1s");
        var tokens = new[] { await store.SignInAsync(), await store.SignInAsync() }.OrderBy(token => token.Session.Value).ToList();
        await using var other = await Transaction.BeginAsync(store);
        await other.TouchAsync(tokens[1].Session);
        var writer = store.Get<SeenWriter>();
        tokens.ForEach(token => writer.Queue(new SessionProof(token.Session, token.Generation)));
        var written = store.Probe.ExecutedAsync(Sql.Seen, tokens.Count);
        await store.StartAsync<SeenWriter>();
        await Transaction.WaitingAsync(store, 1);

        await other.TouchAsync(tokens[0].Session).InTime();
        await other.RollBackAsync();
        await store.Time.WaitsAsync(1);
        Assert.Contains("40P01", Assert.Single(store.Logs.Entries, entry => entry.Event.Id == LogEvents.SeenWriteFailed).Text);
        store.Time.Advance(TimeSpan.FromSeconds(1));
        await written;

        Assert.NotNull((await store.RowAsync(tokens[0].Session)).SeenAt);
        Assert.NotNull((await store.RowAsync(tokens[1].Session)).SeenAt);
    }

    /// <summary>Whoever administers the database may have made a stricter isolation its default.</summary>
    [Theory]
    [InlineData("repeatable read")]
    [InlineData("serializable")]
    public async Task A_rotation_that_cannot_be_serialized_is_done_again(string isolation)
    {
        await using var store = await OpenAsync(@"default_transaction_isolation=" + isolation.Replace(" ", @"\ "));
        var token = await store.SignInAsync();
        await using var other = await Transaction.BeginAsync(store);
        await other.TouchAsync(token.Session);
        var judging = Task.Run(() => store.JudgeAsync(token));
        await Transaction.WaitingAsync(store, 1);

        await other.CommitAsync();

        Assert.Equal(RotationStatus.Rotated, (await judging.InTime()).Status);
        Assert.Contains("40001", Assert.Single(store.Logs.Entries, entry => entry.Event.Id == LogEvents.DatabaseAway).Text);
    }

    [Fact]
    public async Task Twenty_at_once_that_cannot_be_serialized_rotate_once_and_none_is_refused()
    {
        await using var store = await OpenAsync("default_transaction_isolation=serializable");
        var token = await store.SignInAsync();
        var gate = store.Probe.Hold(DatabaseProbe.Rotation);
        var judging = Enumerable.Range(0, 20).Select(_ => Task.Run(() => store.JudgeAsync(token))).ToList();
        await gate.ArrivedAsync(judging.Count);
        store.Probe.StopHolding(DatabaseProbe.Rotation);

        var verdicts = await Task.WhenAll(judging).InTime();

        Assert.DoesNotContain(verdicts, verdict => verdict.Status == RotationStatus.Rejected);
        Assert.All(verdicts, verdict => Assert.Equal(1, verdict.Grant?.Generation.Value ?? 1));
        Assert.Equal(1, (await store.RowAsync(token.Session)).Generation);
    }

    /// <summary>One node begins with the first row, the other with the last: somewhere they would meet.</summary>
    [Fact]
    public async Task Two_nodes_with_the_same_proofs_never_wait_for_each_other()
    {
        await using var here = await OpenAsync("deadlock_timeout=100ms");
        await using var there = here.Another();
        var account = await here.OpenAccountAsync();
        List<SessionProof> proofs = [];
        for (var count = 0; count < 200; count++)
        {
            var grant = await here.OpenSessionAsync(new AccountProof(new UserId(account.Id), account.SecurityStamp!));
            proofs.Add(new SessionProof(grant!.Session, Generation.First));
        }

        var gates = new[] { here.Probe.Hold(Sql.Seen), there.Probe.Hold(Sql.Seen) };
        var writing = Task.WhenAll(
            Task.Run(() => here.Get<ISessionRows>().MarkSeenAsync(proofs, The.Beginning, CancellationToken.None)),
            Task.Run(() => there.Get<ISessionRows>().MarkSeenAsync([.. proofs.AsEnumerable().Reverse()], The.Beginning, CancellationToken.None)));
        await Task.WhenAll(gates.Select(gate => gate.Arrived));
        here.Probe.StopHolding(Sql.Seen);
        there.Probe.StopHolding(Sql.Seen);
        await writing.InTime();

        Assert.Equal(proofs.Count, here.Probe.Changed(Sql.Seen) + there.Probe.Changed(Sql.Seen));
    }

    /// <param name="setting">Of the server, for the site's connections.</param>
    private async Task<Store> OpenAsync(string setting)
    {
        var connection = await (await postgres.ServerAsync()).CreateDatabaseAsync();
        return Store.On(new PostgresDatabase(connection, $"Options=-c {setting}"));
    }

    /// <summary>A transaction of the test's own that holds rows, and never looks for a deadlock itself.</summary>
    private sealed class Transaction(WebAppDb db, IDbContextTransaction transaction) : IAsyncDisposable
    {
        private readonly CancellationTokenSource brokenOff = new();

        public static async Task<Transaction> BeginAsync(Store store)
        {
            var db = store.OpenDatabase();
            var transaction = await db.Database.BeginTransactionAsync(IsolationLevel.ReadCommitted);
            await db.Database.ExecuteSqlRawAsync("SET LOCAL deadlock_timeout = '1h'; SET LOCAL lock_timeout = 0");
            return new Transaction(db, transaction);
        }

        /// <summary>Completes once so many wait for a row.</summary>
        public static async Task WaitingAsync(Store store, int count)
        {
            using var patience = The.Patience();
            while (await store.InDatabaseAsync(db => db.Database
                .SqlQueryRaw<int>("""
                    SELECT count(*)::int AS "Value" FROM pg_stat_activity
                    WHERE datname = current_database() AND wait_event_type = 'Lock'
                    """)
                .SingleAsync(patience.Token)) < count)
            {
            }
        }

        public Task<int> TouchAsync(SessionId session) => db.Sessions
            .Where(row => row.Id == session.Value)
            .ExecuteUpdateAsync(row => row.SetProperty(each => each.UserAgent, "touched"), brokenOff.Token);

        public async Task BreakOffAsync(Task waits)
        {
            await brokenOff.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waits.InTime());
            await RollBackAsync();
        }

        public Task RollBackAsync() => transaction.RollbackAsync();

        public Task CommitAsync() => transaction.CommitAsync();

        public async ValueTask DisposeAsync()
        {
            await transaction.DisposeAsync();
            await db.DisposeAsync();
            brokenOff.Dispose();
        }
    }
}
