using WebApp.Configuration;
using WebApp.Coordination;
using WebApp.Locking;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tests.Storage;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Coordination;

public sealed class UpstreamRotationOnSqliteTests(ITestOutputHelper output) : UpstreamRotationContract(output, postgres: null);

public sealed class UpstreamRotationOnPostgresTests(ITestOutputHelper output, SharedPostgres postgres)
    : UpstreamRotationContract(output, postgres);

/// <summary>What is spent upstream is spent once, and stored by the statement that rotates (protocol, "An upstream issuer").</summary>
public abstract class UpstreamRotationContract(ITestOutputHelper output, SharedPostgres? postgres) : IAsyncLifetime
{
    private readonly StubIssuer issuer = new();
    private Store store = null!;
    private RefreshToken token = null!;
    private UpstreamTokens first = null!;

    private static TimeSpan Doubt => TimeSpan.FromSeconds(15);

    public async ValueTask InitializeAsync()
    {
        store = await Store.OpenAsync(postgres: postgres, issuer: issuer);
        issuer.Time = store.Time;
        var account = await store.OpenAccountAsync();
        first = issuer.Issue("Ada", "Baker");
        var grant = await store.OpenSessionAsync(new AccountProof(new UserId(account.Id), account.SecurityStamp!, first));
        Assert.Equal("Ada", grant!.Name);
        Assert.Equal(["Baker"], grant.Roles);
        token = new RefreshToken(grant.Session, grant.Generation, grant.User);
    }

    public async ValueTask DisposeAsync()
    {
        await store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task While_the_upstream_token_lasts_nothing_is_spent()
    {
        Assert.Equal(RefreshStatus.Rotated, (await store.RefreshAsync(token)).Status);

        Assert.Empty(issuer.Spends);
        Assert.Equal((1, 0), await StandsAtAsync());
    }

    [Fact]
    public async Task An_upstream_token_that_ends_is_renewed_with_the_rotation()
    {
        Expire();

        var outcome = await store.RefreshAsync(token);

        Assert.Equal((RefreshStatus.Rotated, 1), (outcome.Status, outcome.Pair.Grant.Generation.Value));
        Assert.Equal([first.Refresh], issuer.Spends);
        Assert.Equal((1, 1), await StandsAtAsync());
        Assert.False((await store.RowAsync(token.Session)).UpstreamSpending);
        Assert.Empty(issuer.Ended);
    }

    /// <summary>A node that dies in between takes the pair with it: the one gap that is left.</summary>
    [Fact]
    public async Task Between_the_issuers_answer_and_our_commit_lie_milliseconds()
    {
        const int Rounds = 50;
        var gaps = new List<double>();
        for (var round = 0; round < Rounds; round++)
        {
            Expire();
            var outcome = await store.RefreshAsync(token);
            gaps.Add(The.WallClock.GetElapsedTime(issuer.AnsweredAt).TotalMilliseconds);
            token = token with { Generation = outcome.Pair.Grant.Generation };
        }

        gaps.Sort();
        output.WriteLine($"From the answer to the commit, the look at the row and the signature included: median {gaps[Rounds / 2]:0.0} ms, at worst {gaps[^1]:0.0} ms.");
        Assert.InRange(gaps[Rounds / 2], 0, 100);
        Assert.Equal((Rounds, Rounds), await StandsAtAsync());
    }

    [Fact]
    public async Task Nothing_of_the_upstreams_tokens_can_be_read_in_the_database()
    {
        var row = await store.RowAsync(token.Session);

        Assert.DoesNotContain("upstream-", row.UpstreamTokens, StringComparison.Ordinal);
    }

    /// <summary>Scenario 3: the successor is there, and with it what was spent for it.</summary>
    [Fact]
    public async Task A_replay_never_spends()
    {
        Expire();
        await store.RefreshAsync(token);
        Expire();

        Assert.Equal(RefreshStatus.Replayed, (await store.RefreshAsync(token)).Status);

        Assert.Single(issuer.Spends);
    }

    [Theory]
    [InlineData("revoked")]
    [InlineData("idle")]
    [InlineData("disabled")]
    public async Task A_session_that_is_over_spends_nothing(string why)
    {
        Expire();
        await (why switch
        {
            "revoked" => store.RevokeAsync(token.Session),
            "disabled" => store.ChangeAsync(token.User, account => account.Disabled = true),
            _ => store.ChangeAsync(token.Session, row => row.LastUsedAt -= store.Options.IdleTimeout),
        });

        Assert.Equal(RefreshStatus.Rejected, (await store.RefreshAsync(token)).Status);

        Assert.Empty(issuer.Spends);
    }

    [Fact]
    public async Task What_the_issuer_refuses_without_a_doubt_ends_the_session()
    {
        Expire();
        issuer.Refuse(first.Refresh);

        var outcome = await store.RefreshAsync(token);

        Assert.Equal((RefreshStatus.Rejected, RefusalReason.UpstreamRefused), (outcome.Status, outcome.Reason));
        Assert.Equal("upstream_refused", (await store.RowAsync(token.Session)).RevokedReason);
    }

    /// <summary>The spend succeeded and its answer is truly lost: the one case that signs somebody out, and only after a while.</summary>
    [Fact]
    public async Task A_lost_answer_is_waited_for_before_the_session_ends()
    {
        Expire();
        issuer.Loses = 1;
        Assert.Equal(RefreshStatus.Unavailable, (await store.RefreshAsync(token)).Status);
        Assert.Equal(RefreshStatus.Unavailable, (await store.RefreshAsync(token)).Status);
        store.Time.Advance(Doubt - TimeSpan.FromSeconds(1));
        Assert.Equal(RefreshStatus.Unavailable, (await store.RefreshAsync(token)).Status);
        Assert.Null((await store.RowAsync(token.Session)).RevokedAt);

        store.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(RefusalReason.UpstreamRefused, (await store.RefreshAsync(token)).Reason);
    }

    /// <summary>A node that was frozen with the answer in its hands, past its lease and past somebody's refusal.</summary>
    [Fact]
    public async Task A_pair_that_somebody_brings_late_heals_the_session()
    {
        Expire();
        issuer.After = new Gate();
        var frozen = store.RefreshAsync(token);
        await issuer.After.Arrived;
        var answers = issuer.After;
        issuer.After = null;
        await using var other = store.Another();
        other.Time.AdjustTime(store.Time.GetUtcNow());
        Assert.Equal(RefreshStatus.Unavailable, (await other.RefreshAsync(token)).Status);

        answers.Open();

        Assert.Equal(RefreshStatus.Rotated, (await frozen).Status);
        Assert.Equal(RefreshStatus.Replayed, (await other.RefreshAsync(token)).Status);
        Assert.Equal((1, 1), await StandsAtAsync());
    }

    /// <summary>Two whose requests met in the issuer, which took the token from both.</summary>
    [Fact]
    public async Task Of_two_pairs_one_is_stored_and_the_other_is_ended_upstream()
    {
        Expire();
        issuer.Forks = true;
        issuer.After = new Gate();
        await using var other = store.Another();
        other.Time.AdjustTime(store.Time.GetUtcNow());
        await Task.WhenAll(new[] { store, other }.SelectMany(node => new Task[]
        {
            node.StartAsync<UpstreamEnds>(), node.StartAsync<UpstreamStash>(),
        }));
        var both = new[] { store.RefreshAsync(token), other.RefreshAsync(token) };
        await issuer.After.ArrivedAsync(2);

        issuer.After.Open();
        var outcomes = await Task.WhenAll(both);

        Assert.Equal([RefreshStatus.Rotated, RefreshStatus.Replayed], outcomes.Select(outcome => outcome.Status).Order());
        await Waiting.UntilAsync(() => Task.FromResult(issuer.Ended.Count == 1));
        var stored = store.Get<UpstreamTokenProtector>().Read((await store.RowAsync(token.Session)).UpstreamTokens)!.Refresh;
        Assert.NotEqual(stored, Assert.Single(issuer.Ended));
        Assert.Equal((1, 1), await StandsAtAsync());
    }

    /// <summary>The database goes away between the issuer's answer and our commit: nothing is lost while the node lives.</summary>
    [Fact]
    public async Task A_pair_that_cannot_be_stored_is_kept_and_stored_later()
    {
        Expire();
        await store.StartAsync<UpstreamStash>();
        store.Probe.FailBefore(DatabaseProbe.Rotation, times: DatabaseRetry.MaxAttempts);

        Assert.Equal(RefreshStatus.Unavailable, (await store.RefreshAsync(token)).Status);

        await Waiting.UntilAsync(async () => (await StandsAtAsync()).Version == 1);
        Assert.Equal(RefreshStatus.Rotated, (await store.RefreshAsync(token)).Status);
        Assert.Single(issuer.Spends);
    }

    /// <summary>Asked again before that, it takes the pair at hand and spends nothing.</summary>
    [Fact]
    public async Task A_pair_that_is_kept_is_used_by_the_next_refresh()
    {
        Expire();
        store.Probe.FailBefore(DatabaseProbe.Rotation, times: DatabaseRetry.MaxAttempts);
        Assert.Equal(RefreshStatus.Unavailable, (await store.RefreshAsync(token)).Status);

        Assert.Equal(RefreshStatus.Rotated, (await store.RefreshAsync(token)).Status);

        Assert.Equal((1, 1), await StandsAtAsync());
        Assert.Single(issuer.Spends);
        Assert.Empty(issuer.Ended);
    }

    /// <summary>Scenario 24: what was committed and not heard of is ours, and is not ended upstream.</summary>
    [Fact]
    public async Task A_commit_that_was_not_heard_of_is_settled_and_nothing_is_ended()
    {
        Expire();
        await store.StartAsync<UpstreamEnds>();
        store.Probe.FailAfter(DatabaseProbe.Rotation, times: 1);

        var outcome = await store.RefreshAsync(token);
        await (await store.StartAsync<UpstreamStash>()).StopAsync(CancellationToken.None);

        Assert.Equal(RefreshStatus.Replayed, outcome.Status);
        Assert.Equal((1, 1), await StandsAtAsync());
        Assert.Empty(issuer.Ended);
    }

    [Theory]
    [InlineData("WaitedOut", "Refuse", false)]
    [InlineData("WaitedOut", "SingleNode", false)]
    [InlineData("Unavailable", "Refuse", false)]
    [InlineData("Unavailable", "SingleNode", true)]
    public async Task Without_the_lock_only_a_site_of_one_node_spends(string lease, string without, bool spends)
    {
        Expire();
        store.Locks.Says = Enum.Parse<LeaseStatus>(lease);
        store.Options.WithoutRedis = Enum.Parse<WithoutRedis>(without);

        var outcome = await store.RefreshAsync(token);

        Assert.Equal(spends ? RefreshStatus.Rotated : RefreshStatus.Unavailable, outcome.Status);
        Assert.Equal(spends ? 1 : 0, issuer.Spends.Count);
    }

    /// <summary>Scenario 17: it only saves work where there is nothing to spend.</summary>
    [Fact]
    public async Task Without_the_lock_a_session_whose_upstream_token_lasts_goes_on()
    {
        store.Locks.Says = LeaseStatus.Unavailable;

        Assert.Equal(RefreshStatus.Rotated, (await store.RefreshAsync(token)).Status);
    }

    [Fact]
    public async Task A_session_that_ends_is_ended_upstream()
    {
        await store.StartAsync<UpstreamEnds>();

        await store.RevokeAsync(token.Session);

        await Waiting.UntilAsync(() => Task.FromResult(issuer.Ended.Count == 1));
        Assert.Equal([first.Refresh], issuer.Ended);
    }

    [Fact]
    public async Task Calls_that_meet_an_ended_token_renew_it_once_and_the_generation_stays()
    {
        Expire();

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => AccessAsync(refused: null)));

        Assert.All(answers, answer => Assert.Equal(answers[0].Token, answer.Token));
        Assert.NotNull(answers[0].Token);
        Assert.Single(issuer.Spends);
        Assert.Equal((0, 1), await StandsAtAsync());
    }

    [Fact]
    public async Task A_token_that_the_API_refused_is_renewed_and_the_new_one_is_not()
    {
        var renewed = await AccessAsync(refused: first.Access);

        Assert.NotEqual(first.Access, renewed.Token);
        Assert.Equal(renewed.Token, (await AccessAsync(refused: first.Access)).Token);
        Assert.Single(issuer.Spends);
    }

    [Fact]
    public async Task A_session_that_is_over_has_no_token_and_one_that_cannot_be_read_is_put_off()
    {
        store.Probe.FailBefore(Sql.ReadSession, times: 10);
        Assert.Equal(ApiToken.Unavailable, await AccessAsync(refused: null));

        store.Probe.FailBefore(Sql.ReadSession, times: 0);
        await store.RevokeAsync(token.Session, RefusalReason.Reuse);
        Assert.Equal(RefusalReason.Reuse, (await AccessAsync(refused: null)).Refusal);
    }

    private void Expire() => store.Time.AdjustTime(store.Time.GetUtcNow() + StubIssuer.Lifetime);

    private Task<ApiToken> AccessAsync(string? refused) =>
        store.Get<UpstreamAccess>().GetAsync(token.User, token.Session, refused);

    private async Task<(int Generation, int Version)> StandsAtAsync()
    {
        var row = await store.RowAsync(token.Session);
        return (row.Generation, row.UpstreamVersion);
    }
}
