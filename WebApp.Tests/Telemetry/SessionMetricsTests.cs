using WebApp.Locking;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Telemetry;

/// <summary>What is measured, by the names of the contract ("Metrics"), and when.</summary>
public sealed class SessionMetricsTests : IAsyncLifetime
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
    public void The_instruments_have_the_names_units_and_kinds_of_the_contract()
    {
        store.Get<SessionMetrics>();

        string[] expected =
        [
            "webapp.session.checks {check} Counter`1",
            "webapp.session.lock.unavailable {refresh} Counter`1",
            "webapp.session.lock.wait.duration s Histogram`1",
            "webapp.session.refresh.duration s Histogram`1",
            "webapp.session.refreshes {refresh} Counter`1",
            "webapp.session.replays {replay} Counter`1",
            "webapp.session.revocations {session} Counter`1",
        ];
        Assert.Equal(
            expected,
            store.Meters.Instruments.Select(each => $"{each.Name} {each.Unit} {each.GetType().Name}").Order(StringComparer.Ordinal));
        Assert.All(store.Meters.Instruments, each => Assert.Equal("WebApp.Sessions", each.Meter.Name));
        Assert.All(store.Meters.Instruments, each => Assert.False(string.IsNullOrEmpty(each.Description)));
    }

    [Fact]
    public void A_check_says_its_result()
    {
        store.Get<SessionMetrics>().Checked("valid");

        Expect("webapp.session.checks", (1, "result=valid"));
    }

    [Fact]
    public async Task A_rotation_and_a_replay_say_so()
    {
        await store.RefreshAsync(token);
        await store.RefreshAsync(token);
        store.Time.Advance(TimeSpan.FromMinutes(10));
        await store.RefreshAsync(token);

        Expect("webapp.session.refreshes", (1, "outcome=rotated"), (1, "outcome=replayed"), (1, "outcome=replayed"));
        Expect("webapp.session.replays", (1, "cause=concurrent"), (1, "cause=lost_response"));
        Expect("webapp.session.lock.unavailable");
    }

    [Fact]
    public async Task A_rejection_says_why_and_is_a_revocation_where_it_ended_the_session()
    {
        await store.ChangeAsync(token.Session, row => row.Generation = 2);
        await store.RefreshAsync(token);
        await store.RefreshAsync(Some.RefreshToken());

        Expect("webapp.session.refreshes", (1, "outcome=rejected reason=reuse"), (1, "outcome=rejected reason=revoked"));
        Expect("webapp.session.revocations", (1, "reason=reuse"));
    }

    [Fact]
    public async Task Ending_an_ended_session_is_no_second_revocation()
    {
        await store.RevokeAsync(token.Session);
        await store.RevokeAsync(token.Session);

        Expect("webapp.session.revocations", (1, "reason=revoked"));
    }

    [Fact]
    public async Task An_outage_says_so()
    {
        store.Probe.IsDown = true;
        await store.RefreshAsync(token);

        Expect("webapp.session.refreshes", (1, "outcome=unavailable"));
        Expect("webapp.session.refresh.duration", (0, "outcome=unavailable"));
    }

    [Theory]
    [InlineData(nameof(LeaseStatus.Held), 0)]
    [InlineData(nameof(LeaseStatus.WaitedOut), 0)]
    [InlineData(nameof(LeaseStatus.Unavailable), 1)]
    public async Task A_lock_that_is_away_is_counted_and_a_wait_is_not_that(string status, int count)
    {
        store.Locks.Says = Enum.Parse<LeaseStatus>(status);
        await store.RefreshAsync(token);

        Assert.Equal(count, store.Meters.Of("webapp.session.lock.unavailable").Count);
    }

    [Fact]
    public async Task Durations_are_in_seconds()
    {
        var inTurn = new ProcessUserLock(Some.Options(), store.Time);
        var holder = await inTurn.AcquireAsync(token.User);
        store.Locks.Instead = inTurn;
        var gate = store.Probe.Hold(DatabaseProbe.Rotation);
        var refreshing = store.RefreshAsync(token);
        await store.Time.WaitsAsync(2);
        store.Time.Advance(TimeSpan.FromMilliseconds(1500));
        await holder.DisposeAsync();
        await gate.Arrived;
        store.Time.Advance(TimeSpan.FromMilliseconds(500));
        gate.Open();
        await refreshing.InTime();

        Expect("webapp.session.lock.wait.duration", (1.5, ""));
        Expect("webapp.session.refresh.duration", (2, "outcome=rotated"));
    }

    private void Expect(string instrument, params (double Value, string Tags)[] measurements) =>
        Assert.Equal(measurements, store.Meters.Of(instrument).Select(each => (each.Value, each.Tags)));
}
