using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Storage;

public sealed class SeenWriterOnSqliteTests() : SeenWriterContract(postgres: null);

public sealed class SeenWriterOnPostgresTests(SharedPostgres postgres) : SeenWriterContract(postgres);

/// <summary>The proof that a browser holds the current generation is written once, late, and never for another one.</summary>
public abstract class SeenWriterContract(SharedPostgres? postgres) : IAsyncLifetime
{
    private Store store = null!;
    private RefreshToken token = null!;

    public async ValueTask InitializeAsync()
    {
        store = await Store.OpenAsync(postgres: postgres);
        token = await store.SignInAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_proof_of_the_current_generation_is_written_with_the_time_of_writing()
    {
        await store.JudgeAsync(token);
        store.Time.Advance(TimeSpan.FromSeconds(7));

        await ProveAsync(generation: 1);

        Assert.Equal(store.Time.GetUtcNow(), (await store.RowAsync(token.Session)).SeenAt);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task A_proof_of_another_generation_changes_nothing(int generation)
    {
        await store.JudgeAsync(token);

        await ProveAsync(generation);

        Assert.Null((await store.RowAsync(token.Session)).SeenAt);
    }

    /// <summary>Scenario 43: the window counts from the first proof.</summary>
    [Fact]
    public async Task A_proof_that_was_written_does_not_slide()
    {
        await ProveAsync(generation: 0);
        store.Time.Advance(TimeSpan.FromSeconds(10));

        // Another node has seen the same.
        await using var node = store.Another();
        var written = node.Probe.ExecutedAsync(Sql.Seen);
        (await node.StartAsync<SeenWriter>()).Queue(new SessionProof(token.Session, token.Generation));
        await written;

        Assert.Equal(The.Beginning, (await store.RowAsync(token.Session)).SeenAt);
    }

    [Fact]
    public async Task Nothing_waits_for_the_database()
    {
        var gate = store.Probe.Hold(Sql.Seen);
        var writer = await store.StartAsync<SeenWriter>();

        writer.Queue(new SessionProof(token.Session, token.Generation));

        await gate.Arrived;
        Assert.Null((await store.RowAsync(token.Session)).SeenAt);
        store.Probe.StopHolding(Sql.Seen);
    }

    [Fact]
    public async Task Proofs_that_come_while_one_is_written_are_merged_and_the_newest_counts()
    {
        await store.JudgeAsync(token);
        store.Probe.Forget();
        var gate = store.Probe.Hold(Sql.Seen);
        var writer = await store.StartAsync<SeenWriter>();
        writer.Queue(new SessionProof(token.Session, new Generation(0)));
        await gate.Arrived;

        for (var round = 0; round < 100; round++)
        {
            writer.Queue(new SessionProof(token.Session, new Generation(1)));
            writer.Queue(new SessionProof(token.Session, new Generation(0)));
        }

        var written = store.Probe.ExecutedAsync(Sql.Seen, 2);
        store.Probe.StopHolding(Sql.Seen);
        await written;
        await store.Get<SeenWriter>().StopAsync(TestContext.Current.CancellationToken);

        Assert.Equal(The.Beginning, (await store.RowAsync(token.Session)).SeenAt);
        Assert.Equal(2, store.Probe.Count(Sql.Seen));
    }

    /// <summary>A proof that was written late opens its window late (protocol, "Seen"; scenario 23).</summary>
    [Fact]
    public async Task A_proof_that_met_a_fault_is_written_later_and_counts_from_then()
    {
        store.Probe.FailBefore(Sql.Seen, times: 2);
        var written = store.Probe.ExecutedAsync(Sql.Seen);
        var writer = await store.StartAsync<SeenWriter>();
        writer.Queue(new SessionProof(token.Session, token.Generation));
        for (var fault = 1; fault <= 2; fault++)
        {
            await store.Time.WaitsAsync(fault);
            Assert.Null((await store.RowAsync(token.Session)).SeenAt);
            store.Time.Advance(TimeSpan.FromSeconds(1));
        }

        await written;

        Assert.Equal(The.Beginning.AddSeconds(2), (await store.RowAsync(token.Session)).SeenAt);
        Assert.Equal(2, store.Logs.Entries.Count(entry => entry.Event.Id == LogEvents.SeenWriteFailed));
    }

    [Fact]
    public async Task A_fault_of_one_proof_loses_no_other()
    {
        var others = new[] { await store.SignInAsync(), await store.SignInAsync(), await store.SignInAsync() };
        store.Probe.FailBefore(Sql.Seen, times: 1);
        var written = store.Probe.ExecutedAsync(Sql.Seen, others.Length);
        var writer = store.Get<SeenWriter>();
        Assert.All(others, other => writer.Queue(new SessionProof(other.Session, other.Generation)));
        await store.StartAsync<SeenWriter>();
        await store.Time.WaitsAsync(1);

        store.Time.Advance(TimeSpan.FromSeconds(1));
        await written;

        foreach (var other in others)
        {
            Assert.NotNull((await store.RowAsync(other.Session)).SeenAt);
        }
    }

    [Fact]
    public async Task A_hundred_proofs_are_one_transaction()
    {
        var writer = store.Get<SeenWriter>();
        store.Probe.Forget();
        for (var count = 0; count < 250; count++)
        {
            writer.Queue(new SessionProof(SessionId.New(), Generation.First));
        }

        await writer.StopAsync(CancellationToken.None);

        Assert.Equal((250, 3), (store.Probe.Count(Sql.Seen), store.Probe.Commits));
    }

    /// <summary>Dropped, and not waited for: a generation that counts as unseen keeps its spent token good for longer.</summary>
    [Fact]
    public async Task No_more_than_ten_thousand_proofs_wait()
    {
        var writer = store.Get<SeenWriter>();
        for (var count = 0; count < 10_001; count++)
        {
            writer.Queue(new SessionProof(SessionId.New(), Generation.First));
        }

        store.Probe.IsDown = true;
        await writer.StopAsync(CancellationToken.None);

        var failed = Assert.Single(store.Logs.Entries, entry => entry.Event.Id == LogEvents.SeenWriteFailed);
        Assert.Contains(" 10000 proofs ", failed.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task However_many_nodes_have_seen_it_one_write_changes_the_row()
    {
        var nodes = new[] { store, store.Another(), store.Another() };
        foreach (var node in nodes)
        {
            node.Get<SeenWriter>().Queue(new SessionProof(token.Session, token.Generation));
        }

        await Task.WhenAll(nodes.Select(node => Task.Run(() => node.Get<SeenWriter>().StopAsync(CancellationToken.None))));

        Assert.Equal(1, nodes.Sum(node => node.Probe.Changed(Sql.Seen)));
        await nodes[1].DisposeAsync();
        await nodes[2].DisposeAsync();
    }

    /// <summary>Scenario 19, with a database that is slow.</summary>
    [Fact]
    public async Task An_orderly_end_waits_for_what_waits_to_be_written()
    {
        var other = await store.SignInAsync();
        var gate = store.Probe.Hold(Sql.Seen);
        var writer = await store.StartAsync<SeenWriter>();
        writer.Queue(new SessionProof(token.Session, token.Generation));
        await gate.Arrived;
        writer.Queue(new SessionProof(other.Session, other.Generation));

        var stopping = writer.StopAsync(CancellationToken.None);
        Assert.False(stopping.IsCompleted);
        store.Probe.StopHolding(Sql.Seen);
        await stopping.InTime();

        Assert.NotNull((await store.RowAsync(token.Session)).SeenAt);
        Assert.NotNull((await store.RowAsync(other.Session)).SeenAt);
    }

    [Fact]
    public async Task A_database_that_is_too_slow_does_not_keep_the_host_from_ending()
    {
        using var patience = new CancellationTokenSource();
        var gate = store.Probe.Hold(Sql.Seen);
        var writer = await store.StartAsync<SeenWriter>();
        writer.Queue(new SessionProof(token.Session, token.Generation));
        await gate.Arrived;

        var stopping = writer.StopAsync(patience.Token);
        Assert.False(stopping.IsCompleted);
        await patience.CancelAsync();
        await stopping.InTime();

        Assert.Contains(store.Logs.Entries, entry => entry.Event.Id == LogEvents.SeenWriteFailed);
        Assert.Null((await store.RowAsync(token.Session)).SeenAt);
        store.Probe.StopHolding(Sql.Seen);
    }

    private async Task ProveAsync(int generation)
    {
        var written = store.Probe.ExecutedAsync(Sql.Seen);
        var writer = await store.StartAsync<SeenWriter>();
        writer.Queue(new SessionProof(token.Session, new Generation(generation)));
        await written;
    }
}
