using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Storage;

public sealed class RevokedSessionsOnSqliteTests() : RevokedSessionsContract(postgres: null);

public sealed class RevokedSessionsOnPostgresTests(SharedPostgres postgres) : RevokedSessionsContract(postgres);

/// <summary>Every node knows within a second which sessions have ended, and asks nobody on a request's way (scenario 34).</summary>
public abstract class RevokedSessionsContract(SharedPostgres? postgres) : IAsyncLifetime
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private Store here = null!;
    private Store there = null!;
    private RefreshToken token = null!;

    private RevokedSessions Known => here.Get<RevokedSessions>();

    public async ValueTask InitializeAsync()
    {
        here = await Store.OpenAsync(postgres: postgres);
        there = here.Another();
        token = await here.SignInAsync();
    }

    public async ValueTask DisposeAsync()
    {
        here.Probe.StopHolding(Sql.ReadRevoked);
        await there.DisposeAsync();
        await here.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task The_node_that_ends_a_session_knows_at_once()
    {
        await here.RevokeAsync(token.Session);

        Assert.Equal(RefusalReason.Revoked, Known.ReasonFor(token.Session));
        Assert.Null(Known.ReasonFor(SessionId.New()));
    }

    [Fact]
    public async Task The_list_is_full_before_the_first_request_is_served()
    {
        await there.RevokeAsync(token.Session, RefusalReason.Reuse);

        await here.StartAsync<RevokedSessionsReader>();

        Assert.Equal(RefusalReason.Reuse, Known.ReasonFor(token.Session));
    }

    [Fact]
    public async Task What_another_node_has_ended_is_known_a_second_later()
    {
        await here.StartAsync<RevokedSessionsReader>();
        await here.Time.TickersAsync(1);
        await there.RevokeAsync(token.Session);

        await NextReadingAsync(TimeSpan.FromSeconds(1));
        Assert.Null(Known.ReasonFor(token.Session));
        await NextReadingAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(RefusalReason.Revoked, Known.ReasonFor(token.Session));
    }

    /// <summary>A revocation carries the time at which it began, and may be committed after a later one was read.</summary>
    [Fact]
    public async Task A_revocation_that_was_long_under_way_is_not_missed()
    {
        await here.StartAsync<RevokedSessionsReader>();
        await here.Time.TickersAsync(1);
        await NextReadingAsync(TimeSpan.FromSeconds(25));
        await NextReadingAsync(TimeSpan.FromSeconds(1));

        await here.ChangeAsync(token.Session, row => (row.RevokedAt, row.RevokedReason) = (The.Beginning, "revoked"));
        await NextReadingAsync(TimeSpan.FromSeconds(1));

        Assert.Equal(RefusalReason.Revoked, Known.ReasonFor(token.Session));
    }

    /// <summary>Scenario 23, in small: an outage of minutes.</summary>
    [Fact]
    public async Task While_the_database_is_away_the_list_stands_and_then_it_catches_up()
    {
        await there.RevokeAsync(token.Session);
        await here.StartAsync<RevokedSessionsReader>();
        await here.Time.TickersAsync(1);
        var other = await there.SignInAsync();
        await there.RevokeAsync(other.Session);
        here.Probe.FailBefore(Sql.ReadRevoked, times: 2);

        await NextReadingAsync(TimeSpan.FromSeconds(1));
        await NextReadingAsync(TimeSpan.FromMinutes(1));
        await NextReadingAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(RefusalReason.Revoked, Known.ReasonFor(token.Session));
        Assert.Null(Known.ReasonFor(other.Session));
        Assert.Equal(2, here.Logs.Entries.Count(entry => entry.Event.Id == LogEvents.RevokedListStale));

        await NextReadingAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(RefusalReason.Revoked, Known.ReasonFor(other.Session));
    }

    [Fact]
    public async Task A_session_is_forgotten_when_its_last_access_token_has_ended_and_not_before()
    {
        await here.RevokeAsync(token.Session);

        here.Time.Advance(Known.Retention - TimeSpan.FromMilliseconds(1));
        Known.Forget();
        Assert.NotNull(Known.ReasonFor(token.Session));

        here.Time.Advance(TimeSpan.FromMilliseconds(1));
        Known.Forget();
        Assert.Null(Known.ReasonFor(token.Session));
        Assert.Equal(0, Known.Count);
    }

    [Fact]
    public async Task The_reader_forgets_as_it_reads()
    {
        await here.RevokeAsync(token.Session);
        await here.StartAsync<RevokedSessionsReader>();
        await here.Time.TickersAsync(1);

        await NextReadingAsync(Known.Retention + TimeSpan.FromMinutes(1));
        await NextReadingAsync(TimeSpan.FromSeconds(1));

        Assert.Equal(0, Known.Count);
    }

    [Fact]
    public void The_first_reason_stays()
    {
        Known.Add(token.Session, RefusalReason.Reuse);
        Known.Add(token.Session, RefusalReason.Revoked);

        Assert.Equal(RefusalReason.Reuse, Known.ReasonFor(token.Session));
    }

    /// <summary>
    /// A revocation that waited for another writer carries the time from before the wait, and a rotation in between issued a
    /// token that lives longer than one of that time.
    /// </summary>
    [Fact]
    public async Task A_session_is_remembered_until_the_last_token_has_ended_that_was_issued_before_the_commit()
    {
        var gate = here.Probe.Hold(Sql.Revoke);
        var revoking = here.RevokeAsync(token.Session);
        await gate.Arrived;
        here.Time.Advance(TimeSpan.FromSeconds(20));
        var verdict = await here.JudgeAsync(token);
        var access = here.Get<AccessTokenReader>().Read(here.Get<TokenPairs>().Issue(verdict.Grant!, verdict.IssuedAt).AccessToken);
        here.Probe.StopHolding(Sql.Revoke);
        await revoking.InTime();

        here.Time.AdjustTime(access!.ExpiresAt - TimeSpan.FromMilliseconds(1));
        Known.Forget();

        Assert.Equal(RefusalReason.Revoked, Known.ReasonFor(token.Session));
    }

    [Fact]
    public async Task Ending_a_session_twice_keeps_the_first_reason_and_time()
    {
        await here.RevokeAsync(token.Session, RefusalReason.AccountChanged);
        here.Time.Advance(TimeSpan.FromSeconds(5));
        await here.RevokeAsync(token.Session);

        var row = await here.RowAsync(token.Session);
        Assert.Equal((The.Beginning, "account_changed"), (row.RevokedAt, row.RevokedReason));
    }

    [Fact]
    public async Task Of_those_who_end_a_session_over_something_one_is_told_that_he_did()
    {
        var row = await here.RowAsync(token.Session);

        Assert.True(await EndAsync());
        Assert.False(await EndAsync());

        Assert.Equal("reuse", Assert.Single(await here.EventsAsync()).Kind);

        Task<bool> EndAsync() => here.Get<SessionRevoker>().RevokeWithEventAsync(
            row, RefusalReason.Reuse, Some.Client, here.Time.GetUtcNow(), CancellationToken.None);
    }

    /// <summary>Scenario 24: it was ended, the answer was lost, and the second attempt finds nothing to end.</summary>
    [Fact]
    public async Task A_session_whose_end_was_not_confirmed_is_remembered_as_ended()
    {
        here.Probe.FailAfter(Sql.Revoke, times: 1);

        await here.RevokeAsync(token.Session);

        Assert.Equal("revoked", (await here.RowAsync(token.Session)).RevokedReason);
        Assert.Equal(RefusalReason.Revoked, Known.ReasonFor(token.Session));
    }

    [Fact]
    public async Task A_session_that_could_not_be_ended_is_not_remembered_as_ended()
    {
        here.Probe.IsDown = true;

        var away = await Record.ExceptionAsync(() => here.RevokeAsync(token.Session));

        Assert.True(away?.IsDatabaseAway());
        Assert.Null(Known.ReasonFor(token.Session));
    }

    /// <summary>Lets the clock run, and returns when the reader stands before its next reading and is done with the one before.</summary>
    private async Task NextReadingAsync(TimeSpan pause)
    {
        here.Probe.StopHolding(Sql.ReadRevoked);
        var gate = here.Probe.Hold(Sql.ReadRevoked);

        // One tick, however long the pause: of two, the second could be kept and bring one more reading.
        here.Time.AdjustTime(here.Time.GetUtcNow() + pause - Interval);
        here.Time.Advance(Interval);
        await gate.Arrived;
    }
}
