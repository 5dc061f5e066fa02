using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Storage;

/// <summary>The proof that a browser holds the current generation is written once, late, and never for another one.</summary>
public sealed class SeenWriterTests : IAsyncLifetime
{
    private Store store = null!;
    private RefreshToken token = null!;

    public async ValueTask InitializeAsync()
    {
        store = await Store.OpenAsync();
        token = await store.SignInAsync();
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

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
        (await node.StartAsync<SeenWriter>()).Queue(token.Session, token.Generation);
        await written;

        Assert.Equal(The.Beginning, (await store.RowAsync(token.Session)).SeenAt);
    }

    [Fact]
    public async Task Nothing_waits_for_the_database()
    {
        var gate = store.Probe.Hold(Sql.Seen);
        var writer = await store.StartAsync<SeenWriter>();

        writer.Queue(token.Session, token.Generation);

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
        writer.Queue(token.Session, new Generation(0));
        await gate.Arrived;

        for (var round = 0; round < 100; round++)
        {
            writer.Queue(token.Session, new Generation(1));
            writer.Queue(token.Session, new Generation(0));
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
        writer.Queue(token.Session, token.Generation);
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
        Assert.All(others, other => writer.Queue(other.Session, other.Generation));
        await store.StartAsync<SeenWriter>();
        await store.Time.WaitsAsync(1);

        store.Time.Advance(TimeSpan.FromSeconds(1));
        await written;

        foreach (var other in others)
        {
            Assert.NotNull((await store.RowAsync(other.Session)).SeenAt);
        }
    }

    private async Task ProveAsync(int generation)
    {
        var written = store.Probe.ExecutedAsync(Sql.Seen);
        var writer = await store.StartAsync<SeenWriter>();
        writer.Queue(token.Session, new Generation(generation));
        await written;
    }
}
