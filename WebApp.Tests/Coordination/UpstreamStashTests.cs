using WebApp.Coordination;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Coordination;

/// <summary>A pair that could not be stored is kept, stored when that is possible, and ended upstream when it is one too many.</summary>
public sealed class UpstreamStashTests : UpstreamBench
{
    [Fact]
    public void A_pair_is_found_in_place_of_the_one_that_it_replaces_and_of_no_other()
    {
        Stash.Keep(Token.Session, 0, First);

        Assert.Same(First, Stash.Find(Token.Session, 0));
        Assert.Null(Stash.Find(Token.Session, 1));
        Assert.Null(Stash.Find(SessionId.New(), 0));
    }

    [Fact]
    public async Task A_call_uses_a_pair_that_cannot_be_stored_and_it_is_stored_later()
    {
        Expire();
        Store.Probe.FailBefore(StorePair, DatabaseRetry.MaxAttempts);

        var renewed = await AccessAsync();
        Assert.Equal(("upstream-access-2", 0), (renewed.Token, (await RowAsync()).UpstreamVersion));
        await Store.StartAsync<UpstreamStash>();

        await Waiting.UntilAsync(async () => (await RowAsync()).UpstreamVersion == 1);
        Assert.Equal(renewed, await AccessAsync());
        Assert.Single(Issuer.Spends);
    }

    /// <summary>Scenario 23.</summary>
    [Fact]
    public async Task While_the_database_is_away_it_is_asked_each_second_and_that_is_told()
    {
        Stash.Keep(Token.Session, 0, Issuer.Issue());
        await Store.StartAsync<UpstreamStash>();
        Store.Probe.FailBefore(StorePair, times: 3);
        Stash.Settle(Token.Session, stored: false);

        for (var attempt = 1; attempt <= 3; attempt++)
        {
            await Store.Time.WaitsAsync(attempt);
            Assert.Equal((attempt, 0), (Told(LogEvents.UpstreamNotStored), (await RowAsync()).UpstreamVersion));
            Assert.Equal(TimeSpan.FromSeconds(1), Store.Time.LastWait);
            Store.Time.Advance(TimeSpan.FromSeconds(1));
        }

        await Waiting.UntilAsync(async () => (await RowAsync()).UpstreamVersion == 1);
        await Waiting.UntilAsync(() => Task.FromResult(Stash.Find(Token.Session, 0) is null));
        Assert.Equal(3, Told(LogEvents.UpstreamNotStored));
    }

    [Fact]
    public async Task A_pair_that_was_stored_is_not_come_back_to()
    {
        Stash.Keep(Token.Session, 0, Issuer.Issue());
        await Store.StartAsync<UpstreamStash>();

        Stash.Settle(Token.Session, stored: false);
        await Waiting.UntilAsync(() => Task.FromResult(Stash.Find(Token.Session, 0) is null));
        await Stash.StopAsync(CancellationToken.None);

        Assert.Equal(TimeSpan.Zero, Store.Time.LastWait);
    }

    [Fact]
    public async Task Nothing_is_done_for_a_pair_that_its_spender_has_stored()
    {
        await Store.StartAsync<UpstreamStash>();
        Stash.Keep(Token.Session, 0, Issuer.Issue());
        Store.Probe.Forget();

        Stash.Settle(Token.Session, stored: true);
        await Stash.StopAsync(CancellationToken.None);

        Assert.Null(Stash.Find(Token.Session, 0));
        Assert.Empty(Store.Probe.Statements);
    }

    /// <summary>Scenario 19.</summary>
    [Fact]
    public async Task A_node_that_ends_stores_what_it_keeps()
    {
        await Store.StartAsync<UpstreamStash>();
        Stash.Keep(Token.Session, 0, Issuer.Issue());
        Store.Probe.Forget();

        await Stash.StopAsync(CancellationToken.None);

        Assert.True(Stash.ExecuteTask!.IsCompleted);
        Assert.Single(Store.Probe.Statements);
        Assert.Equal(1, (await RowAsync()).UpstreamVersion);
        Assert.Null(Stash.Find(Token.Session, 0));
        Assert.Equal(0, Told(LogEvents.UpstreamNotStored));
    }

    [Fact]
    public async Task A_node_whose_database_is_away_ends_all_the_same()
    {
        Stash.Keep(Token.Session, 0, Issuer.Issue());
        Store.Probe.IsDown = true;

        await Stash.StopAsync(CancellationToken.None);

        Assert.Equal(1, Told(LogEvents.UpstreamNotStored));
        Assert.NotNull(Stash.Find(Token.Session, 0));
    }

    [Fact]
    public async Task A_host_that_has_no_patience_left_waits_for_nothing()
    {
        Stash.Keep(Token.Session, 0, Issuer.Issue());
        using var patience = new CancellationTokenSource();
        await patience.CancelAsync();

        await Stash.StopAsync(patience.Token);

        Assert.Equal(1, Told(LogEvents.UpstreamNotStored));
    }

    [Fact]
    public async Task One_pair_that_cannot_be_stored_keeps_no_other_from_it()
    {
        var another = await OpenAsync(Issuer.Issue());
        Stash.Keep(Token.Session, 0, Issuer.Issue());
        Stash.Keep(another.Session, 0, Issuer.Issue());
        Store.Probe.FailBefore(StorePair, times: 1);

        await Stash.StopAsync(CancellationToken.None);

        Assert.Equal(1, (await RowAsync()).UpstreamVersion + (await Store.RowAsync(another.Session)).UpstreamVersion);
    }

    /// <summary>Whoever keeps one pair may be given the next before the first is settled.</summary>
    [Fact]
    public async Task A_pair_that_came_while_another_was_stored_is_kept()
    {
        Stash.Keep(Token.Session, 0, Issuer.Issue());
        var gate = Store.Probe.Hold(StorePair);
        var stopping = Stash.StopAsync(CancellationToken.None);
        await gate.Arrived;
        var next = Issuer.Issue();
        Stash.Keep(Token.Session, 1, next);
        Store.Probe.StopHolding(StorePair);
        await stopping.InTime();

        Assert.Same(next, Stash.Find(Token.Session, 1));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_pair_of_a_session_that_is_over_or_has_another_is_ended_upstream(bool isOver)
    {
        await Store.StartAsync<UpstreamEnds>();
        await (isOver
            ? Store.ChangeAsync(Token.Session, row => row.RevokedAt = Store.Time.GetUtcNow())
            : Store.ChangeAsync(Token.Session, row => row.UpstreamVersion = 1));
        var late = Issuer.Issue();
        Stash.Keep(Token.Session, 0, late);

        await Stash.StopAsync(CancellationToken.None);

        await Waiting.UntilAsync(() => Task.FromResult(!Issuer.Ended.IsEmpty));
        Assert.Equal([late.Refresh], Issuer.Ended);
        Assert.Null(Stash.Find(Token.Session, 0));
    }

    /// <summary>It was stored, and the session has ended since: its end is told by whoever ended it, and once more here.</summary>
    [Fact]
    public async Task A_pair_that_was_stored_before_the_session_ended_is_ended_upstream()
    {
        await Store.StartAsync<UpstreamEnds>();
        var stored = Issuer.Issue();
        await Store.ChangeAsync(Token.Session, row =>
            (row.UpstreamTokens, row.UpstreamVersion, row.RevokedAt) =
            (Store.Get<UpstreamTokenProtector>().Protect(stored), 1, Store.Time.GetUtcNow()));
        Stash.Keep(Token.Session, 0, stored);

        await Stash.StopAsync(CancellationToken.None);

        await Waiting.UntilAsync(() => Task.FromResult(!Issuer.Ended.IsEmpty));
        Assert.Equal([stored.Refresh], Issuer.Ended);
    }

    [Fact]
    public async Task A_pair_that_turns_out_to_be_stored_is_not_ended_upstream()
    {
        var ends = await Store.StartAsync<UpstreamEnds>();
        var stored = Issuer.Issue();
        await Store.ChangeAsync(Token.Session, row =>
            (row.UpstreamTokens, row.UpstreamVersion) = (Store.Get<UpstreamTokenProtector>().Protect(stored), 1));
        Stash.Keep(Token.Session, 0, stored);

        await Stash.StopAsync(CancellationToken.None);
        await ends.StopAsync(CancellationToken.None);

        Assert.Empty(Issuer.Ended);
        Assert.Null(Stash.Find(Token.Session, 0));
    }
}
