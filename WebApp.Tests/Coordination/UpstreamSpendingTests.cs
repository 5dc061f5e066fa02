using WebApp.Coordination;
using WebApp.Locking;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using WebApp.Tests.Storage;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Coordination;

/// <summary>Spending upstream while something else happens: the row moves, the lock is missing, the issuer or the database is away.</summary>
public sealed class UpstreamSpendingTests : UpstreamBench
{
    private const string Begin = "SET UpstreamSpending";

    [Fact]
    public async Task A_session_that_nobody_knows_is_refused_and_spends_nothing()
    {
        var outcome = await Store.RefreshAsync(Some.RefreshToken());

        Assert.Equal((RefreshStatus.Rejected, RefusalReason.Revoked), (outcome.Status, outcome.Reason));
        Assert.Empty(Issuer.Spends);
    }

    /// <summary>Or one whose tokens no key can read any more.</summary>
    [Fact]
    public async Task A_session_without_tokens_of_the_issuer_ends_when_it_is_to_move()
    {
        var stranger = await OpenAsync(tokens: null);

        var outcome = await Store.RefreshAsync(stranger);

        Assert.Equal((RefreshStatus.Rejected, RefusalReason.UpstreamRefused), (outcome.Status, outcome.Reason));
        Assert.Equal("upstream_refused", (await Store.RowAsync(stranger.Session)).RevokedReason);
        Assert.Empty(Issuer.Spends);
    }

    [Fact]
    public async Task A_pair_that_was_stored_is_kept_no_longer()
    {
        Expire();

        await Store.RefreshAsync(Token);

        await ExpectAsync(spends: 1, generation: 1, version: 1);
        Assert.Null(Stash.Find(Token.Session, 0));
        Assert.Equal(1, Told(LogEvents.UpstreamSpent));
    }

    [Fact]
    public async Task A_pair_that_was_stored_for_a_call_is_kept_no_longer()
    {
        Expire();

        await AccessAsync();

        await ExpectAsync(spends: 1, generation: 0, version: 1);
        Assert.Null(Stash.Find(Token.Session, 0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_row_that_moves_before_it_is_spent_for_puts_it_off(bool calls)
    {
        Expire();
        var gate = Store.Probe.Hold(Begin);
        var putOff = IsPutOffAsync(calls);
        await gate.Arrived;
        await Store.ChangeAsync(Token.Session, row => row.UpstreamVersion = 7);
        Store.Probe.StopHolding(Begin);

        Assert.True(await putOff.InTime());
        Assert.Empty(Issuer.Spends);
    }

    [Theory]
    [InlineData(nameof(LeaseStatus.WaitedOut))]
    [InlineData(nameof(LeaseStatus.Unavailable))]
    public async Task Without_the_lock_no_call_spends(string lease)
    {
        Expire();
        Store.Locks.Says = Enum.Parse<LeaseStatus>(lease);

        Assert.Equal(ApiToken.Unavailable, await AccessAsync());

        Assert.Empty(Issuer.Spends);
    }

    [Fact]
    public async Task A_call_whose_token_lasts_waits_for_no_lock()
    {
        Assert.Equal(ApiToken.Of(First.Access), await AccessAsync());

        Assert.Equal(0, Store.Locks.Acquired);
    }

    [Fact]
    public async Task Whoever_waited_for_the_lock_takes_what_was_renewed_meanwhile()
    {
        Expire();
        await using var other = Store.Another();
        other.Time.AdjustTime(Store.Time.GetUtcNow());
        Store.Locks.Instead = new Meanwhile(() => other.Get<UpstreamAccess>().GetAsync(Token.User, Token.Session, refused: null));

        Assert.NotNull((await AccessAsync()).Token);

        await ExpectAsync(spends: 1, generation: 0, version: 1);
    }

    [Fact]
    public async Task A_session_that_ends_while_a_call_waits_for_the_lock_spends_nothing()
    {
        Expire();
        Store.Locks.Instead = new Meanwhile(() => Store.RevokeAsync(Token.Session, RefusalReason.Reuse));

        Assert.Equal(ApiToken.Refused(RefusalReason.Reuse), await AccessAsync());

        Assert.Empty(Issuer.Spends);
    }

    [Fact]
    public async Task What_the_issuer_refuses_to_a_call_ends_the_session()
    {
        Expire();
        Issuer.Refuse(First.Refresh);

        Assert.Equal(ApiToken.Refused(RefusalReason.UpstreamRefused), await AccessAsync());

        Assert.Equal("upstream_refused", (await RowAsync()).RevokedReason);
    }

    [Fact]
    public async Task A_call_whose_answer_is_lost_is_put_off()
    {
        Expire();
        Issuer.Loses = 1;

        Assert.Equal(ApiToken.Unavailable, await AccessAsync());
    }

    [Fact]
    public async Task A_refusal_in_doubt_is_told_and_its_first_time_stays()
    {
        Expire();
        Issuer.Loses = 1;
        await Store.RefreshAsync(Token);
        var first = Store.Time.GetUtcNow();

        for (var refused = 1; refused <= 3; refused++)
        {
            Assert.Equal(RefreshStatus.Unavailable, (await Store.RefreshAsync(Token)).Status);
            Assert.Equal((refused, first), (Told(LogEvents.UpstreamDoubtful), (await RowAsync()).UpstreamRefusedAt));
            Store.Time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    [Fact]
    public async Task A_database_that_goes_away_while_a_call_waits_for_the_lock_puts_it_off()
    {
        Expire();
        Store.Locks.Instead = new Meanwhile(() =>
        {
            Store.Probe.IsDown = true;
            return Task.CompletedTask;
        });

        Assert.Equal(ApiToken.Unavailable, await AccessAsync());

        Assert.Empty(Issuer.Spends);
    }

    [Fact]
    public async Task A_database_that_is_away_puts_a_refresh_off()
    {
        Store.Probe.FailBefore(Sql.ReadSession, DatabaseRetry.MaxAttempts);

        Assert.Equal(RefreshStatus.Unavailable, (await Store.RefreshAsync(Token)).Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_issuer_that_is_too_slow_is_given_up(bool calls)
    {
        Expire();
        Issuer.Before = new Gate();
        var putOff = IsPutOffAsync(calls);
        await Issuer.Before.Arrived;

        Store.Time.Advance(Store.Options.LockWait + Store.Options.LockLease);

        Assert.True(await putOff.InTime());
    }

    /// <summary>Nobody has given up: something else was cancelled.</summary>
    [Fact]
    public async Task A_defect_of_the_issuer_is_not_taken_for_an_issuer_that_is_away()
    {
        Expire();
        Issuer.Throws = new OperationCanceledException("a defect");

        await Assert.ThrowsAsync<OperationCanceledException>(() => Store.RefreshAsync(Token));
        await Assert.ThrowsAsync<OperationCanceledException>(() => AccessAsync());
    }

    /// <summary>Whether a call, or a refresh, is told to come again.</summary>
    private async Task<bool> IsPutOffAsync(bool calls) => calls
        ? await AccessAsync() == ApiToken.Unavailable
        : (await Store.RefreshAsync(Token)).Status == RefreshStatus.Unavailable;

    /// <summary>Something happens while somebody waits for the lock, which he gets.</summary>
    private sealed class Meanwhile(Func<Task> happens) : IUserLock
    {
        public async ValueTask<UserLease> AcquireAsync(UserId user)
        {
            await happens();
            return await new StubLock().AcquireAsync(user);
        }
    }
}
