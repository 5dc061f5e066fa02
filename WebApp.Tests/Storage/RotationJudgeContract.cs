using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Storage;

public sealed class RotationJudgeOnSqliteTests() : RotationJudgeContract(postgres: null);

public sealed class RotationJudgeOnPostgresTests(SharedPostgres postgres) : RotationJudgeContract(postgres);

/// <summary>What the database decides.</summary>
public abstract class RotationJudgeContract(SharedPostgres? postgres) : IAsyncLifetime
{
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);

    private Store store = null!;
    private RefreshToken token = null!;

    public async ValueTask InitializeAsync()
    {
        store = await Store.OpenAsync(postgres: postgres);
        token = await store.SignInAsync("Admin");
    }

    public async ValueTask DisposeAsync()
    {
        await store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task The_current_token_moves_the_row_and_gets_its_successor()
    {
        var before = await store.RowAsync(token.Session);
        await store.ChangeAsync(token.Session, row => row.SeenAt = The.Beginning);
        store.Time.Advance(TimeSpan.FromMinutes(6));

        var verdict = await store.JudgeAsync(token);

        Assert.Equal(RotationStatus.Rotated, verdict.Status);
        Assert.Equal((token.Session, token.User, 1), (verdict.Grant!.Session, verdict.Grant.User, verdict.Grant.Generation.Value));
        Assert.Equal(before.ExpiresAt, verdict.Grant.ExpiresAt);
        Assert.Equal(before.CreatedAt, verdict.Grant.AuthenticatedAt);
        Assert.Equal(store.Time.GetUtcNow(), verdict.IssuedAt);
        var row = await store.RowAsync(token.Session);
        Assert.Equal((1, null, verdict.IssuedAt, verdict.IssuedAt), (row.Generation, row.SeenAt, row.RotatedAt, row.LastUsedAt));
        Assert.Equal((before.CreatedAt, before.ExpiresAt, null), (row.CreatedAt, row.ExpiresAt, row.RevokedAt));
    }

    /// <summary>Scenario 1.</summary>
    [Fact]
    public async Task A_hundred_judges_of_one_token_rotate_once_and_name_one_successor()
    {
        var gate = store.Probe.Hold(DatabaseProbe.Rotation);
        var judging = Enumerable.Range(0, 100).Select(_ => Task.Run(() => store.JudgeAsync(token))).ToList();
        await gate.ArrivedAsync(100);
        store.Probe.StopHolding(DatabaseProbe.Rotation);
        var verdicts = await Task.WhenAll(judging);

        Assert.Single(verdicts, verdict => verdict.Status == RotationStatus.Rotated);
        Assert.Equal(99, verdicts.Count(verdict => verdict.Status == RotationStatus.Replayed));
        Assert.All(verdicts, verdict => Assert.Equal((1, false), (verdict.Grant!.Generation.Value, verdict.LostResponse)));
        Assert.Equal(1, (await store.RowAsync(token.Session)).Generation);
    }

    /// <summary>Scenario 8: the database has lost the commits of generations that browsers hold.</summary>
    [Fact]
    public async Task A_token_ahead_of_the_row_moves_the_row_forward()
    {
        var ahead = token with { Generation = new Generation(7) };

        var verdict = await store.JudgeAsync(ahead);

        Assert.Equal((RotationStatus.Rotated, 8), (verdict.Status, verdict.Grant!.Generation.Value));
        Assert.Equal(8, (await store.RowAsync(token.Session)).Generation);
    }

    /// <summary>Scenarios 5 and 6: nobody has shown the successor, so its answer may have been lost.</summary>
    [Fact]
    public async Task A_spent_token_is_replayed_days_later_while_its_successor_was_not_seen()
    {
        await store.JudgeAsync(token);
        var rotated = await store.RowAsync(token.Session);
        store.Time.Advance(TimeSpan.FromDays(13));

        var verdict = await store.JudgeAsync(token);

        Assert.Equal((RotationStatus.Replayed, 1, true), (verdict.Status, verdict.Grant!.Generation.Value, verdict.LostResponse));
        Assert.Equal(store.Time.GetUtcNow(), verdict.IssuedAt);
        var row = await store.RowAsync(token.Session);
        Assert.Equal(store.Time.GetUtcNow(), row.LastUsedAt);
        Assert.Equal((1, null, rotated.RotatedAt, rotated.ExpiresAt), (row.Generation, row.SeenAt, row.RotatedAt, row.ExpiresAt));
    }

    /// <summary>Scenario 3, to the millisecond, in the database's own words.</summary>
    [Theory]
    [InlineData(0, nameof(RotationStatus.Replayed))]
    [InlineData(1, nameof(RotationStatus.Rejected))]
    public async Task A_spent_token_is_good_until_its_window_is_over(int millisecondsLate, string status)
    {
        await store.JudgeAsync(token);
        await store.ChangeAsync(token.Session, row => row.SeenAt = store.Time.GetUtcNow());
        store.Time.Advance(store.Options.ReplayWindow + (millisecondsLate * Millisecond));

        Assert.Equal(status, (await store.JudgeAsync(token)).Status.ToString());
    }

    [Fact]
    public async Task A_replay_counts_as_a_lost_response_once_it_is_too_late_for_a_race()
    {
        await store.JudgeAsync(token);
        store.Time.Advance(store.Options.ReplayWindow);
        Assert.False((await store.JudgeAsync(token)).LostResponse);

        store.Time.Advance(Millisecond);
        Assert.True((await store.JudgeAsync(token)).LostResponse);
    }

    /// <summary>Scenario 29.</summary>
    [Theory]
    [InlineData(-1, nameof(RotationStatus.Rotated))]
    [InlineData(0, nameof(RotationStatus.Rejected))]
    [InlineData(1, nameof(RotationStatus.Rejected))]
    public async Task The_idle_limit_is_over_on_its_stroke(int millisecondsLate, string status)
    {
        store.Time.Advance(store.Options.IdleTimeout + (millisecondsLate * Millisecond));

        await ExpectAsync(status);
    }

    /// <summary>Scenario 29.</summary>
    [Theory]
    [InlineData(-1, nameof(RotationStatus.Rotated))]
    [InlineData(0, nameof(RotationStatus.Rejected))]
    [InlineData(1, nameof(RotationStatus.Rejected))]
    public async Task The_absolute_limit_is_over_on_its_stroke(int millisecondsLate, string status)
    {
        store.Time.Advance(store.Options.AbsoluteLifetime + (millisecondsLate * Millisecond));
        await store.ChangeAsync(token.Session, row => row.LastUsedAt = store.Time.GetUtcNow() - Millisecond);

        await ExpectAsync(status);
    }

    [Fact]
    public async Task Neither_rotations_nor_replays_move_the_absolute_limit()
    {
        var end = The.Beginning + store.Options.AbsoluteLifetime;
        for (var generation = 0; generation < 4; generation++)
        {
            store.Time.Advance(TimeSpan.FromDays(7));
            var presented = token with { Generation = new Generation(generation) };
            Assert.Equal(end, (await store.JudgeAsync(presented)).Grant!.ExpiresAt);
            Assert.Equal(end, (await store.JudgeAsync(presented)).Grant!.ExpiresAt);
            Assert.Equal(end, (await store.RowAsync(token.Session)).ExpiresAt);
        }
    }

    /// <summary>Scenario 8.</summary>
    [Fact]
    public async Task Two_generations_behind_ends_the_session_and_says_why_ever_after()
    {
        await store.JudgeAsync(token);
        await store.JudgeAsync(token with { Generation = new Generation(1) });
        store.Time.Advance(TimeSpan.FromMinutes(1));

        await RejectAsync(RefusalReason.Reuse);

        var row = await store.RowAsync(token.Session);
        Assert.Equal((store.Time.GetUtcNow(), "reuse"), (row.RevokedAt, row.RevokedReason));
        Assert.Equal(RefusalReason.Reuse, store.Get<RevokedSessions>().ReasonFor(token.Session));
        var recorded = Assert.Single(await store.EventsAsync());
        Assert.Equal(
            ("reuse", token.User.Value, token.Session.Value, store.Time.GetUtcNow(), Some.Client.UserAgent, Some.Client.IpAddress),
            (recorded.Kind, recorded.UserId, recorded.SessionId, recorded.At, recorded.UserAgent, recorded.IpAddress));

        await RejectAsync(RefusalReason.Reuse);
        Assert.Equal(RefusalReason.Reuse, (await store.JudgeAsync(token with { Generation = new Generation(2) })).Reason);
        Assert.Single(await store.EventsAsync());
    }

    /// <summary>Scenario 36.</summary>
    [Theory]
    [InlineData("disabled")]
    [InlineData("deleted")]
    [InlineData("stamp")]
    public async Task An_account_that_changed_ends_the_session_even_for_the_current_token(string what)
    {
        await (what switch
        {
            "disabled" => store.ChangeAsync(token.User, account => account.Disabled = true),
            "stamp" => store.ChangeAsync(token.User, account => account.SecurityStamp = "another"),
            _ => store.DeleteAsync(token.User),
        });

        await RejectAsync(RefusalReason.AccountChanged);

        var row = await store.RowAsync(token.Session);
        Assert.Equal((0, "account_changed"), (row.Generation, row.RevokedReason));
        Assert.Equal("account_changed", Assert.Single(await store.EventsAsync()).Kind);
        Assert.Equal(RefusalReason.AccountChanged, store.Get<RevokedSessions>().ReasonFor(token.Session));
    }

    [Theory]
    [InlineData("reuse")]
    [InlineData("stamp")]
    public async Task Twenty_at_once_end_the_session_once_and_record_it_once(string what)
    {
        if (what == "stamp")
        {
            await store.ChangeAsync(token.User, account => account.SecurityStamp = "another");
        }
        else
        {
            await store.ChangeAsync(token.Session, row => row.Generation = 2);
        }

        var gate = store.Probe.Hold(Sql.ReadSession);
        var judging = Enumerable.Range(0, 20).Select(_ => Task.Run(() => store.JudgeAsync(token))).ToList();
        await gate.ArrivedAsync(20);
        store.Probe.StopHolding(Sql.ReadSession);
        var verdicts = await Task.WhenAll(judging);

        var reason = what == "reuse" ? RefusalReason.Reuse : RefusalReason.AccountChanged;
        Assert.All(verdicts, verdict => Assert.Equal((RotationStatus.Rejected, reason), (verdict.Status, verdict.Reason)));
        Assert.Single(await store.EventsAsync());
    }

    [Theory]
    [InlineData("revoked", nameof(RefusalReason.Revoked))]
    [InlineData("reuse", nameof(RefusalReason.Reuse))]
    [InlineData("account_changed", nameof(RefusalReason.AccountChanged))]
    [InlineData("a word of a later version", nameof(RefusalReason.Revoked))]
    [InlineData(null, nameof(RefusalReason.Revoked))]
    public async Task A_session_that_was_ended_says_why(string? stored, string reason)
    {
        await store.ChangeAsync(token.Session, row => (row.RevokedAt, row.RevokedReason) = (The.Beginning, stored));

        await RejectAsync(Enum.Parse<RefusalReason>(reason));
        Assert.Equal(0, (await store.RowAsync(token.Session)).Generation);
        Assert.Empty(await store.EventsAsync());
    }

    [Fact]
    public async Task A_session_that_nobody_knows_is_revoked()
    {
        var verdict = await store.JudgeAsync(Some.RefreshToken());

        Assert.Equal((RotationStatus.Rejected, RefusalReason.Revoked), (verdict.Status, verdict.Reason));
    }

    /// <summary>Scenario 37: name and roles are those of this moment, at a rotation and at a replay.</summary>
    [Fact]
    public async Task A_role_that_was_given_is_in_the_next_grant()
    {
        Assert.Equal(["Admin"], (await store.JudgeAsync(token)).Grant!.Roles);

        await store.GiveRoleAsync(token.User, "Editor");
        await store.ChangeAsync(token.User, account => account.UserName = "a new name");
        var replayed = (await store.JudgeAsync(token)).Grant!;
        Assert.Equal(["Admin", "Editor"], replayed.Roles);
        Assert.Equal("a new name", replayed.Name);

        await store.GiveRoleAsync(token.User, "Baker");
        Assert.Equal(["Admin", "Baker", "Editor"], (await store.JudgeAsync(token with { Generation = replayed.Generation })).Grant!.Roles);
    }

    [Fact]
    public async Task An_account_without_roles_is_granted_none()
    {
        var other = await store.SignInAsync();

        Assert.Empty((await store.JudgeAsync(other)).Grant!.Roles);
    }

    private async Task ExpectAsync(string status)
    {
        var verdict = await store.JudgeAsync(token);

        Assert.Equal(status, verdict.Status.ToString());
        Assert.Equal(verdict.Status == RotationStatus.Rejected ? RefusalReason.Expired : null, verdict.Reason);
        Assert.Null((await store.RowAsync(token.Session)).RevokedAt);
    }

    private async Task RejectAsync(RefusalReason reason)
    {
        var verdict = await store.JudgeAsync(token);
        Assert.Equal((RotationStatus.Rejected, reason), (verdict.Status, verdict.Reason));
        Assert.Null(verdict.Grant);
    }
}
