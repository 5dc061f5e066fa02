using WebApp.Coordination;
using WebApp.Locking;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Coordination;

/// <summary>Flight, lock, decide: with a lock that says what the test wants, and a real database.</summary>
public sealed class RefreshCoordinatorTests : IAsyncLifetime
{
    private Store store = null!;
    private RefreshToken token = null!;

    private RefreshCoordinator Coordinator => store.Get<RefreshCoordinator>();

    public async ValueTask InitializeAsync()
    {
        store = await Store.OpenAsync();
        token = await store.SignInAsync("Admin");
        store.Probe.Forget();
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Fact]
    public async Task A_refresh_hands_out_a_pair_of_the_next_generation()
    {
        store.Time.Advance(TimeSpan.FromMinutes(6));
        var outcome = await store.RefreshAsync(token);

        Assert.Equal(RefreshStatus.Rotated, outcome.Status);
        Assert.Equal(store.Time.GetTimestamp(), outcome.DecidedAt);
        var access = store.Get<AccessTokenReader>().Read(outcome.Pair.AccessToken)!;
        Assert.Equal((token.Session, token.User, 1), (access.Session, access.User, access.Generation.Value));
        Assert.True(access.CreatePrincipal().IsInRole("Admin"));
        Assert.Equal(token with { Generation = new Generation(1) }, store.Get<RefreshTokens>().Read(outcome.Pair.RefreshToken));
        Assert.Equal((1, 1), (store.Locks.Acquired, store.Locks.GivenBack));
    }

    /// <summary>Scenario 17: the lock only saves work.</summary>
    [Theory]
    [InlineData(nameof(LeaseStatus.WaitedOut))]
    [InlineData(nameof(LeaseStatus.Unavailable))]
    public async Task Without_the_lock_the_database_decides(string status)
    {
        await using var other = store.Another();
        store.Locks.Says = other.Locks.Says = Enum.Parse<LeaseStatus>(status);
        var gates = new[] { store.Probe.Hold(DatabaseProbe.Rotation), other.Probe.Hold(DatabaseProbe.Rotation) };
        var refreshing = new[] { store.RefreshAsync(token), other.RefreshAsync(token) };
        await Task.WhenAll(gates.Select(gate => gate.Arrived));
        Assert.All(gates, gate => gate.Open());
        var outcomes = await Task.WhenAll(refreshing);

        Assert.Single(outcomes, outcome => outcome.Status == RefreshStatus.Rotated);
        Assert.Single(outcomes, outcome => outcome.Status == RefreshStatus.Replayed);
        Assert.All(outcomes, outcome => Assert.Equal(1, outcome.Pair.Grant.Generation.Value));
    }

    /// <summary>Scenario 1.</summary>
    [Fact]
    public async Task All_who_present_one_token_share_one_flight_one_lock_and_one_statement()
    {
        var gate = store.Probe.Hold(DatabaseProbe.Rotation);
        var refreshing = Enumerable.Range(0, 50).Select(_ => store.RefreshAsync(token)).ToList();
        await gate.Arrived;
        Assert.Equal(1, Coordinator.UnderWay);
        gate.Open();
        var outcomes = await Task.WhenAll(refreshing);

        Assert.All(outcomes, outcome => Assert.Same(outcomes[0], outcome));
        Assert.Equal((1, 1), (store.Locks.Acquired, store.Probe.Count(DatabaseProbe.Rotation)));
        Assert.Equal(0, Coordinator.UnderWay);
    }

    [Fact]
    public async Task Two_devices_of_one_person_never_share_a_flight()
    {
        var grant = await store.OpenSessionAsync(new AccountProof(token.User, (await store.RowAsync(token.Session)).SecurityStamp));
        var device = new RefreshToken(grant!.Session, grant.Generation, grant.User);
        var gate = store.Probe.Hold(DatabaseProbe.Rotation);
        var refreshing = new[] { store.RefreshAsync(token), store.RefreshAsync(device) };
        await gate.ArrivedAsync(2);
        gate.Open();
        var outcomes = await Task.WhenAll(refreshing);

        Assert.Equal([token.Session, device.Session], outcomes.Select(outcome => outcome.Pair.Grant.Session));
        Assert.All(outcomes, outcome => Assert.Equal(RefreshStatus.Rotated, outcome.Status));
    }

    [Fact]
    public async Task Two_generations_of_one_session_never_share_a_flight()
    {
        await store.RefreshAsync(token);
        var gate = store.Probe.Hold(DatabaseProbe.Rotation);
        var refreshing = new[] { store.RefreshAsync(token), store.RefreshAsync(token with { Generation = new Generation(1) }) };
        await gate.ArrivedAsync(2);

        Assert.Equal(2, Coordinator.UnderWay);
        gate.Open();
        await Task.WhenAll(refreshing);
    }

    /// <summary>Scenario 4.</summary>
    [Fact]
    public async Task A_refresh_ends_although_its_caller_has_left_and_the_next_request_gets_its_result()
    {
        using var leaving = new CancellationTokenSource();
        var gate = store.Probe.Hold(DatabaseProbe.Rotation);
        var rotated = store.Probe.ExecutedAsync(DatabaseProbe.Rotation);
        var refreshing = store.RefreshAsync(token).WaitAsync(leaving.Token);
        await gate.Arrived;
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => refreshing);
        store.Probe.StopHolding(DatabaseProbe.Rotation);
        await rotated;

        var outcome = await store.RefreshAsync(token);

        Assert.Equal(1, outcome.Pair.Grant.Generation.Value);
        Assert.Equal(1, (await store.RowAsync(token.Session)).Generation);
    }

    /// <summary>Scenario 45: a dead cookie costs nothing, whatever its generation.</summary>
    [Fact]
    public async Task A_dead_session_is_not_asked_about_for_a_minute_and_then_again()
    {
        await store.ChangeAsync(token.Session, row => (row.RevokedAt, row.RevokedReason) = (The.Beginning, "reuse"));
        Assert.Equal(RefusalReason.Reuse, (await store.RefreshAsync(token)).Reason);
        var (statements, locks) = (store.Probe.Statements.Count, store.Locks.Acquired);
        Assert.True(statements > 0);

        store.Time.Advance(TimeSpan.FromMinutes(1) - TimeSpan.FromMilliseconds(1));
        for (var generation = 0; generation < 5; generation++)
        {
            var outcome = await store.RefreshAsync(token with { Generation = new Generation(generation) });
            Assert.Equal((RefreshStatus.Rejected, RefusalReason.Reuse), (outcome.Status, outcome.Reason));
        }

        Assert.Equal((statements, locks), (store.Probe.Statements.Count, store.Locks.Acquired));

        store.Time.Advance(TimeSpan.FromMilliseconds(1));
        await store.ChangeAsync(token.Session, row => (row.RevokedAt, row.RevokedReason) = (null, null));
        Assert.Equal(RefreshStatus.Rotated, (await store.RefreshAsync(token)).Status);
    }

    [Fact]
    public async Task A_session_that_this_node_knows_to_be_revoked_costs_nothing()
    {
        store.Get<RevokedSessions>().Add(token.Session, RefusalReason.AccountChanged);

        var outcome = await store.RefreshAsync(token);

        Assert.Equal((RefreshStatus.Rejected, RefusalReason.AccountChanged), (outcome.Status, outcome.Reason));
        Assert.Empty(store.Probe.Statements);
        Assert.Equal(0, store.Locks.Acquired);
    }

    /// <summary>An administrator's word of a session that had reached its limit.</summary>
    [Fact]
    public async Task What_ended_a_session_is_told_rather_than_why_it_was_refused_before()
    {
        store.Get<DeadSessions>().Remember(token.Session, RefusalReason.Expired);
        store.Get<RevokedSessions>().Add(token.Session, RefusalReason.EndedByAdministrator);

        Assert.Equal(RefusalReason.EndedByAdministrator, (await store.RefreshAsync(token)).Reason);
    }

    /// <summary>Scenario 43.</summary>
    [Fact]
    public async Task A_session_that_has_used_up_its_budget_is_put_off_and_costs_nothing()
    {
        var outcome = RefreshOutcome.Unavailable;
        for (var round = 0; round < 10; round++)
        {
            // What is left of it, and what has come back meanwhile.
            while (store.Get<RefreshBudget>().TryTake(token.Session))
            {
            }

            store.Probe.Forget();
            outcome = await store.RefreshAsync(token);
            if (outcome.Status == RefreshStatus.Unavailable)
            {
                break;
            }
        }

        Assert.Equal(RefreshStatus.Unavailable, outcome.Status);
        Assert.Empty(store.Probe.Statements);
        Assert.Equal(RefreshStatus.Rotated, (await store.RefreshAsync(await store.SignInAsync())).Status);
    }

    [Theory]
    [InlineData(30, 0)]
    [InlineData(31, 1)]
    public async Task A_lost_response_that_was_made_good_is_recorded_and_a_race_is_not(int seconds, int recorded)
    {
        await store.RefreshAsync(token);
        store.Time.Advance(TimeSpan.FromSeconds(seconds));

        Assert.Equal(RefreshStatus.Replayed, (await store.RefreshAsync(token)).Status);

        Assert.Equal(Enumerable.Repeat(SecurityEventKinds.Replayed, recorded), Queued());
    }

    /// <summary>What ends a session is recorded where it is ended.</summary>
    [Theory]
    [InlineData("expired", 1)]
    [InlineData("revoked", 1)]
    [InlineData("reuse", 0)]
    [InlineData("account_changed", 0)]
    [InlineData("upstream_refused", 0)]
    public async Task A_refusal_is_recorded_unless_it_is_on_record(string reason, int recorded)
    {
        await store.ChangeAsync(token.Session, row => (row.RevokedAt, row.RevokedReason) = (The.Beginning, reason));

        Assert.Equal(reason, (await store.RefreshAsync(token)).Reason.Name());

        Assert.Equal(Enumerable.Repeat(SecurityEventKinds.RefreshRefused, recorded), Queued());
    }

    [Fact]
    public async Task The_death_of_one_session_is_not_held_against_another()
    {
        await store.RevokeAsync(token.Session);
        Assert.Equal(RefreshStatus.Rejected, (await store.RefreshAsync(token)).Status);

        Assert.Equal(RefreshStatus.Rotated, (await store.RefreshAsync(await store.SignInAsync())).Status);
    }

    /// <summary>Scenario 23, in small.</summary>
    [Fact]
    public async Task That_something_was_unavailable_is_never_remembered()
    {
        store.Probe.IsDown = true;
        Assert.Equal(RefreshStatus.Unavailable, (await store.RefreshAsync(token)).Status);

        store.Probe.IsDown = false;
        Assert.Equal(RefreshStatus.Rotated, (await store.RefreshAsync(token)).Status);
        Assert.Equal((2, 2), (store.Locks.Acquired, store.Locks.GivenBack));
    }

    [Fact]
    public async Task A_refresh_has_an_end_of_its_own()
    {
        var gate = store.Probe.Hold(DatabaseProbe.Rotation);
        var refreshing = store.RefreshAsync(token);
        await gate.Arrived;
        store.Time.Advance(store.Options.LockWait + store.Options.LockLease);

        Assert.Equal(RefreshStatus.Unavailable, (await refreshing.InTime()).Status);

        // Whatever becomes of the statement that was given up, asking again is safe.
        store.Probe.StopHolding(DatabaseProbe.Rotation);
        Assert.Equal(token.Generation.Next, (await store.RefreshAsync(token).InTime()).Pair.Grant.Generation);
    }

    /// <summary>Scenario 22: a Redis that is slow keeps a refresh waiting, and never has it put off.</summary>
    [Fact]
    public async Task The_wait_for_the_lock_takes_nothing_from_the_time_for_the_decision()
    {
        store.Locks.Instead = new SlowLock(store.Time, store.Options.LockWait + store.Options.LockLease);

        Assert.Equal(RefreshStatus.Rotated, (await store.RefreshAsync(token)).Status);
    }

    /// <summary>Scenario 31: the outcome is held back while the lock is given back, and the session ends in between.</summary>
    [Fact]
    public async Task Whoever_ends_a_session_while_its_lock_is_given_back_wins()
    {
        store.Locks.Instead = new SlowLock(store.Time, TimeSpan.Zero, givenBack: () => store.RevokeAsync(token.Session));

        var outcome = await store.RefreshAsync(token);

        Assert.Equal((RefreshStatus.Rejected, RefusalReason.Revoked), (outcome.Status, outcome.Reason));
    }

    [Fact]
    public async Task The_lock_is_given_back_whatever_came_of_it()
    {
        await store.RefreshAsync(token);
        await store.RefreshAsync(token);
        await store.RefreshAsync(Some.RefreshToken());
        store.Probe.IsDown = true;
        await store.RefreshAsync(token);

        Assert.Equal((4, 4), (store.Locks.Acquired, store.Locks.GivenBack));
    }

    [Fact]
    public async Task A_defect_fails_those_who_wait_is_told_in_the_log_and_is_over_with_the_next_call()
    {
        store.Locks.Throws = new InvalidTimeZoneException("a defect");
        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => store.RefreshAsync(token));
        Assert.Single(store.Logs.Entries, entry => entry.Event.Id == LogEvents.RefreshFailed);

        store.Locks.Throws = null;
        Assert.Equal(RefreshStatus.Rotated, (await store.RefreshAsync(token)).Status);
    }

    [Fact]
    public async Task An_outcome_gives_only_what_it_has()
    {
        var granted = await store.RefreshAsync(token);
        await store.RevokeAsync(token.Session);
        var rejected = await store.RefreshAsync(token);

        Assert.Throws<InvalidOperationException>(() => granted.Reason);
        Assert.Throws<InvalidOperationException>(() => rejected.Pair);
        Assert.Throws<InvalidOperationException>(() => RefreshOutcome.Unavailable.Pair);
        Assert.Throws<InvalidOperationException>(() => RefreshOutcome.Unavailable.Reason);
    }

    /// <summary>With the lock of a site without Redis: two refreshes of one person never meet in the database.</summary>
    [Fact]
    public async Task Refreshes_of_one_person_take_turns()
    {
        var inTurn = new ProcessUserLock(Some.Options(), store.Time);
        await using var holder = await inTurn.AcquireAsync(token.User);
        store.Locks.Instead = inTurn;
        var refreshing = store.RefreshAsync(token);
        await store.Time.WaitsAsync(2);
        Assert.Empty(store.Probe.Statements);

        await holder.DisposeAsync();

        Assert.Equal(RefreshStatus.Rotated, (await refreshing.InTime()).Status);
    }

    /// <summary>The kinds of events that wait to be written.</summary>
    private List<string> Queued()
    {
        List<string> kinds = [];
        while (store.Get<SecurityEvents>().Waiting.TryRead(out var queued))
        {
            Assert.Equal((token.User.Value, token.Session.Value), (queued.UserId, queued.SessionId));
            kinds.Add(queued.Kind);
        }

        return kinds;
    }

    /// <summary>A lock service that takes its time, and is away in the end.</summary>
    private sealed class SlowLock(WatchedTime time, TimeSpan delay, Func<Task>? givenBack = null) : IUserLock
    {
        public ValueTask<UserLease> AcquireAsync(UserId user)
        {
            time.Advance(delay);
            return ValueTask.FromResult<UserLease>(new Lease(givenBack));
        }

        private sealed class Lease(Func<Task>? givenBack) : UserLease
        {
            public override LeaseStatus Status => LeaseStatus.Unavailable;

            public override CancellationToken Lost => CancellationToken.None;

            public override async ValueTask DisposeAsync()
            {
                if (givenBack is not null)
                {
                    await givenBack();
                }
            }
        }
    }
}
