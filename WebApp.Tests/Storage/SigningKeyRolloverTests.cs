using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Storage;

/// <summary>Signing keys follow one another without anybody noticing (scenarios 26 and 27).</summary>
public sealed class SigningKeyRolloverTests : IAsyncLifetime
{
    private static readonly SigningPeriod First = SigningPeriod.At(The.Beginning);
    private static readonly DateTimeOffset End = DateTimeOffset.UnixEpoch + ((First.Number + 1) * SigningPeriod.Length);
    private static readonly string FirstKey = First.KeyId("ES256");
    private static readonly string SecondKey = new SigningPeriod(First.Number + 1).KeyId("ES256");

    private readonly List<Store> nodes = [];

    public async ValueTask InitializeAsync()
    {
        nodes.Add(await Store.OpenAsync());
        nodes.Add(nodes[0].Another());
        nodes.Add(nodes[0].Another());
        foreach (var node in nodes)
        {
            await node.StartAsync<SigningKeyStore>();
            await node.Time.TickersAsync(1);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in Enumerable.Reverse(nodes))
        {
            node.Probe.StopHolding(Sql.ReadKeys);
            await node.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_token_of_the_last_second_of_a_period_is_accepted_on_all_nodes_for_its_life()
    {
        await ReadAsync(End - SigningKeySchedule.Ahead);
        SetClocks(End.AddSeconds(-1));
        var last = nodes.ConvertAll(Issue);
        Assert.All(nodes, node => Assert.Equal(FirstKey, Kid(node)));

        await ReadAsync(End);
        var first = nodes.ConvertAll(Issue);
        Assert.All(nodes, node => Assert.Equal(SecondKey, Kid(node)));

        SetClocks(End.AddSeconds(-1) + nodes[0].Options.AccessTokenLifetime);
        await ReadAsync(nodes[0].Time.GetUtcNow());
        AssertReadEverywhere([.. last, .. first]);
        Assert.Equal(2, await CountAsync());
    }

    /// <summary>Two months, a day at a time, on three nodes of which any may be the first to find a key missing.</summary>
    [Fact]
    public async Task Whatever_any_node_signs_on_any_day_is_read_by_all()
    {
        for (var day = 0; day < 70; day++)
        {
            var now = The.Beginning.AddDays(day);
            SetClocks(now);
            foreach (var node in nodes.Skip(day % 3).Concat(nodes.Take(day % 3)))
            {
                await ReadAsync(node);
                AssertReadEverywhere([Issue(node)]);
            }

            Assert.Single(nodes.Select(Kid).Distinct());
        }

        Assert.Single(nodes.SelectMany(node => node.Logs.Entries), entry => entry.Text.Contains($"was made: {SecondKey}.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_node_whose_clock_is_a_minute_ahead_signs_with_a_key_that_all_have_known_for_two_days()
    {
        await ReadAsync(End - SigningKeySchedule.Ahead);
        SetClocks(End.AddSeconds(-30));
        nodes[0].Time.AdjustTime(End.AddSeconds(30));
        foreach (var node in nodes)
        {
            await ReadAsync(node);
        }

        Assert.Equal([SecondKey, FirstKey, FirstKey], nodes.Select(Kid));
        AssertReadEverywhere(nodes.ConvertAll(Issue));
    }

    [Fact]
    public async Task Nodes_that_find_the_next_key_missing_at_the_same_moment_make_one()
    {
        SetClocks(End - SigningKeySchedule.Ahead);
        var gates = nodes.ConvertAll(node => node.Probe.Hold(Sql.AddKey));
        var readings = nodes.ConvertAll(node => Task.Run(() => ReadAsync(node)));
        await Task.WhenAll(gates.Select(gate => gate.Arrived));
        nodes.ForEach(node => node.Probe.StopHolding(Sql.AddKey));
        await Task.WhenAll(readings).InTime();

        Assert.Equal(2, await CountAsync());
        await ReadAsync(End);
        AssertReadEverywhere(nodes.ConvertAll(Issue));
    }

    /// <summary>The keys are replaced as a whole, under the hands of those who sign and read.</summary>
    [Fact]
    public async Task Readers_at_work_never_notice_that_keys_follow_one_another()
    {
        var node = nodes[0];
        using var rolled = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            var count = 0;
            do
            {
                // Days go by in no time here: a reader that was held up for some of them may come back to a key that has retired.
                var issuedAt = node.Time.GetUtcNow();
                Assert.True(
                    Read(node, Issue(node)) is not null || node.Time.GetUtcNow() - issuedAt > TimeSpan.FromDays(1),
                    $"A token of {issuedAt:O} could not be read.");
                count++;
            }
            while (!rolled.IsCancellationRequested);

            return count;
        })).ToList();

        for (var day = 0; day < 40; day++)
        {
            node.Time.AdjustTime(The.Beginning.AddDays(day));
            await ReadAsync(node);
        }

        await rolled.CancelAsync();
        Assert.All(await Task.WhenAll(readers).InTime(), count => Assert.True(count > 0));
        Assert.Equal(SecondKey, Kid(node));
    }

    /// <summary>Scenario 23: the database comes back a day after the new period has begun, and nobody was ready for it.</summary>
    [Fact]
    public async Task A_key_that_was_made_late_signs_after_a_day_and_until_then_the_old_one_does()
    {
        await ReadAsync(End.AddHours(20));
        var late = nodes.ConvertAll(Issue);
        Assert.All(nodes, node => Assert.Equal(FirstKey, Kid(node)));

        await ReadAsync(End.AddHours(20) + SigningKeySchedule.Notice);
        Assert.All(nodes, node => Assert.Equal(SecondKey, Kid(node)));
        AssertReadEverywhere([.. late, .. nodes.Select(Issue)]);
    }

    [Fact]
    public async Task A_site_that_was_off_for_a_year_makes_a_key_and_signs_with_it_at_once()
    {
        await using var next = nodes[0].Another();
        next.Time.AdjustTime(The.Beginning.AddDays(365));

        await next.StartAsync<SigningKeyStore>();

        Assert.Equal(SigningPeriod.At(The.Beginning.AddDays(365)).KeyId("ES256"), Kid(next));
        Assert.Single(next.Get<SigningKeys>().PublicKeys);
    }

    [Fact]
    public async Task The_next_key_signs_in_its_time_although_the_database_is_away_and_no_fault_is_reported()
    {
        var node = nodes[0];
        await ReadAsync(End - SigningKeySchedule.Ahead);
        node.Time.AdjustTime(End);
        node.Probe.FailBefore(Sql.ReadKeys, times: 1);

        await TicksAsync(node, 2);

        Assert.Equal(SecondKey, Kid(node));
        Assert.Single(node.Logs.Entries, entry => entry.Event.Id == LogEvents.SigningKeysStale);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(node)).Status);
    }

    [Fact]
    public async Task A_key_is_forgotten_when_it_has_retired_and_its_row_deleted_a_period_later()
    {
        var node = nodes[0];
        var token = Issue(node);
        SetClocks(End.AddDays(4));
        await ReadAsync(nodes[1]);
        await TicksAsync(node, 2);
        Assert.Null(Read(nodes[0], token));
        Assert.Equal(2, await CountAsync());

        SetClocks(End.AddDays(34));
        await ReadAsync(nodes[1]);
        await TicksAsync(node, 2);
        Assert.DoesNotContain(FirstKey, await InDatabaseAsync());
        Assert.Contains(node.Logs.Entries, entry => entry.Event.Id == LogEvents.SigningKeysDeleted);
        Assert.DoesNotContain(nodes[1].Probe.Statements, statement => statement.Contains(Sql.DeleteKeys, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_key_whose_row_an_operator_deletes_is_forgotten_everywhere_at_the_next_reading()
    {
        var stolen = Issue(nodes[0]);
        await nodes[0].InDatabaseAsync(db => db.SigningKeys.ExecuteDeleteAsync());

        await ReadAsync(The.Beginning.AddMinutes(1));

        Assert.All(nodes, node => Assert.Null(Read(node, stolen)));
        AssertReadEverywhere(nodes.ConvertAll(Issue));
    }

    [Fact]
    public async Task An_unchanged_key_is_not_imported_again()
    {
        var key = nodes[0].Get<SigningKeys>().Current.Key;

        await ReadAsync(nodes[0]);

        Assert.Same(key, nodes[0].Get<SigningKeys>().Current.Key);
    }

    private void SetClocks(DateTimeOffset time) => nodes.ForEach(node => node.Time.AdjustTime(time));

    /// <summary>Sets all clocks, and lets all nodes read.</summary>
    private async Task ReadAsync(DateTimeOffset time)
    {
        SetClocks(time);
        foreach (var node in nodes)
        {
            await ReadAsync(node);
        }
    }

    private static Task ReadAsync(Store node) => node.Get<SigningKeyStore>().ReadAsync(CancellationToken.None);

    /// <summary>
    /// Lets the node's own timer tick, and returns when it stands before the last of so many readings. No key may be missing then,
    /// which would be a reading more.
    /// </summary>
    private static async Task TicksAsync(Store node, int count)
    {
        for (; count > 0; count--)
        {
            node.Probe.StopHolding(Sql.ReadKeys);
            var gate = node.Probe.Hold(Sql.ReadKeys);
            node.Time.Advance(SigningKeyStore.Interval);
            await gate.Arrived;
        }
    }

    private static Task<HealthCheckResult> CheckAsync(Store node) =>
        new SigningKeyHealth(node.Get<SigningKeyStore>()).CheckHealthAsync(new HealthCheckContext(), CancellationToken.None);

    private void AssertReadEverywhere(IReadOnlyList<string> tokens) =>
        Assert.All(from node in nodes from token in tokens select Read(node, token), Assert.NotNull);

    private static string Issue(Store node) => node.Get<AccessTokenIssuer>().Issue(Some.Grant(), node.Time.GetUtcNow());

    private static AccessToken? Read(Store node, string text) => node.Get<AccessTokenReader>().Read(text);

    private static string Kid(Store node) => node.Get<SigningKeys>().Current.Key.KeyId;

    private Task<int> CountAsync() => nodes[0].InDatabaseAsync(db => db.SigningKeys.CountAsync());

    private Task<List<string>> InDatabaseAsync() => nodes[0].InDatabaseAsync(db => db.SigningKeys.Select(row => row.Id).ToListAsync());
}
