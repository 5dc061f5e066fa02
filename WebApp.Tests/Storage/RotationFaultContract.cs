using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Storage;

public sealed class RotationFaultOnSqliteTests() : RotationFaultContract(postgres: null);

public sealed class RotationFaultOnPostgresTests(SharedPostgres postgres) : RotationFaultContract(postgres);

/// <summary>A database that is away, busy, or leaves open what it did: never a refusal, and nothing is burned.</summary>
public abstract class RotationFaultContract(SharedPostgres? postgres) : IAsyncLifetime
{
    private const int Busy = 5;
    private const int Attempts = DatabaseRetry.MaxAttempts;

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

    /// <summary>Scenario 23, in small.</summary>
    [Fact]
    public async Task A_database_that_is_down_burns_nothing_and_goes_on_when_it_is_back()
    {
        store.Probe.IsDown = true;
        Assert.Same(RotationVerdict.Unavailable, await store.JudgeAsync(token));
        Assert.Equal(Attempts, store.Logs.Entries.Count(entry => entry.Event.Id == LogEvents.DatabaseAway));

        store.Probe.IsDown = false;
        Assert.Equal((0, null), ((await store.RowAsync(token.Session)).Generation, (await store.RowAsync(token.Session)).RevokedAt));
        Assert.Equal(RotationStatus.Rotated, (await store.JudgeAsync(token)).Status);
    }

    /// <summary>Scenario 25.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_busy_database_is_asked_again(int times)
    {
        store.Probe.FailBefore(DatabaseProbe.Rotation, times, Busy);

        Assert.Equal(RotationStatus.Rotated, (await store.JudgeAsync(token)).Status);
    }

    /// <summary>Scenario 25: bounded.</summary>
    [Fact]
    public async Task A_database_that_stays_busy_is_given_up()
    {
        store.Probe.FailBefore(DatabaseProbe.Rotation, Attempts, Busy);

        Assert.Same(RotationVerdict.Unavailable, await store.JudgeAsync(token));
        Assert.Equal(0, (await store.RowAsync(token.Session)).Generation);
        Assert.Equal(RotationStatus.Rotated, (await store.JudgeAsync(token)).Status);
    }

    /// <summary>Scenario 24: the rotation was carried out and its answer was lost; the judge meets its own work.</summary>
    [Fact]
    public async Task A_rotation_of_unknown_outcome_is_replayed()
    {
        store.Probe.FailAfter(DatabaseProbe.Rotation, times: 1);

        var verdict = await store.JudgeAsync(token);

        Assert.Equal((RotationStatus.Replayed, 1), (verdict.Status, verdict.Grant!.Generation.Value));
        Assert.Equal(1, (await store.RowAsync(token.Session)).Generation);
    }

    /// <summary>Scenario 24, at its worst: no answer ever comes, and the next request is replayed.</summary>
    [Fact]
    public async Task A_rotation_whose_every_answer_is_lost_is_there_for_the_next_request()
    {
        store.Probe.FailAfter(DatabaseProbe.Rotation, Attempts);
        Assert.Equal(RotationStatus.Unavailable, (await store.JudgeAsync(token)).Status);

        store.Time.Advance(TimeSpan.FromHours(1));
        var verdict = await store.JudgeAsync(token);

        Assert.Equal((RotationStatus.Replayed, 1), (verdict.Status, verdict.Grant!.Generation.Value));
    }

    /// <summary>Each statement of a judgement in turn.</summary>
    [Theory]
    [InlineData(Sql.ReadSession, false)]
    [InlineData(Sql.ReadSession, true)]
    [InlineData(Sql.Renew, false)]
    [InlineData(Sql.Renew, true)]
    public async Task A_fault_of_any_statement_of_a_replay_is_gone_with_the_next_attempt(string statement, bool carriedOut)
    {
        await store.JudgeAsync(token);
        Fail(statement, carriedOut);

        Assert.Equal(RotationStatus.Replayed, (await store.JudgeAsync(token)).Status);
        Assert.Equal(1, (await store.RowAsync(token.Session)).Generation);
    }

    [Theory]
    [InlineData(Sql.ReadSession, false)]
    [InlineData(Sql.ReadSession, true)]
    public async Task A_fault_of_the_look_after_a_rotation_makes_it_a_replay(string statement, bool carriedOut)
    {
        Fail(statement, carriedOut);

        var verdict = await store.JudgeAsync(token);

        Assert.Equal((RotationStatus.Replayed, 1), (verdict.Status, verdict.Grant!.Generation.Value));
    }

    /// <summary>The session and the record of why it ended stand or fall together.</summary>
    [Theory]
    [InlineData(Sql.Revoke, false)]
    [InlineData(Sql.Revoke, true)]
    [InlineData(Sql.AddEvent, false)]
    [InlineData(Sql.AddEvent, true)]
    public async Task A_fault_while_a_reuse_is_recorded_leaves_one_record(string statement, bool carriedOut)
    {
        await store.ChangeAsync(token.Session, row => row.Generation = 2);
        Fail(statement, carriedOut);

        var verdict = await store.JudgeAsync(token);

        Assert.Equal((RotationStatus.Rejected, RefusalReason.Reuse), (verdict.Status, verdict.Reason));
        Assert.Single(await store.EventsAsync());
    }

    [Theory]
    [InlineData(Sql.Revoke)]
    [InlineData(Sql.AddEvent)]
    public async Task A_reuse_that_cannot_be_recorded_is_not_told(string statement)
    {
        await store.ChangeAsync(token.Session, row => row.Generation = 2);
        store.Probe.FailAfter(statement, Attempts);

        Assert.Same(RotationVerdict.Unavailable, await store.JudgeAsync(token));

        Assert.Null((await store.RowAsync(token.Session)).RevokedAt);
        Assert.Null(store.Get<RevokedSessions>().ReasonFor(token.Session));
        Assert.Empty(await store.EventsAsync());
    }

    [Fact]
    public async Task A_deadline_that_has_passed_asks_nothing()
    {
        store.Probe.Forget();
        using var deadline = new CancellationTokenSource();
        await deadline.CancelAsync();

        Assert.Same(RotationVerdict.Unavailable, await store.JudgeUntilAsync(token, deadline.Token));
        Assert.Empty(store.Probe.Statements);
    }

    /// <summary>The refresh ends; its statement may still arrive. Either way the next one gets the same successor.</summary>
    [Fact]
    public async Task A_deadline_that_passes_during_the_statement_leaves_nothing_burned()
    {
        using var deadline = new CancellationTokenSource();
        var gate = store.Probe.Hold(DatabaseProbe.Rotation);
        var judging = Task.Run(() => store.JudgeUntilAsync(token, deadline.Token));
        await gate.Arrived;
        await deadline.CancelAsync();

        Assert.Same(RotationVerdict.Unavailable, await judging.InTime());
        store.Probe.StopHolding(DatabaseProbe.Rotation);
        Assert.Contains(await AgainAsync(), new[] { (RotationStatus.Rotated, (int?)1), (RotationStatus.Replayed, 1) });
        Assert.Null((await store.RowAsync(token.Session)).RevokedAt);
    }

    [Fact]
    public async Task A_deadline_that_passes_after_the_statement_leaves_a_replay()
    {
        using var deadline = new CancellationTokenSource();
        var gate = store.Probe.Hold(Sql.ReadSession);
        var judging = Task.Run(() => store.JudgeUntilAsync(token, deadline.Token));
        await gate.Arrived;
        await deadline.CancelAsync();
        store.Probe.StopHolding(Sql.ReadSession);

        Assert.Same(RotationVerdict.Unavailable, await judging.InTime());
        Assert.Equal((RotationStatus.Replayed, 1), await AgainAsync());
    }

    private async Task<(RotationStatus Status, int? Generation)> AgainAsync()
    {
        var verdict = await store.JudgeAsync(token);
        return (verdict.Status, verdict.Grant?.Generation.Value);
    }

    private void Fail(string statement, bool carriedOut)
    {
        if (carriedOut)
        {
            store.Probe.FailAfter(statement, times: 1);
        }
        else
        {
            store.Probe.FailBefore(statement, times: 1);
        }
    }
}
