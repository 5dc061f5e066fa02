using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Storage;

public sealed class RotationRaceOnSqliteTests() : RotationRaceContract(postgres: null);

public sealed class RotationRaceOnPostgresTests(SharedPostgres postgres) : RotationRaceContract(postgres);

/// <summary>What happens between two statements of one judgement, each time held at a gate and not left to chance.</summary>
public abstract class RotationRaceContract(SharedPostgres? postgres) : IAsyncLifetime
{
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

    /// <summary>Scenario 36: it was right to rotate, and it would be wrong to hand out what came of it.</summary>
    [Theory]
    [InlineData("disabled")]
    [InlineData("deleted")]
    [InlineData("stamp")]
    public async Task An_account_that_changes_after_the_rotation_gets_no_successor(string what)
    {
        var verdict = await JudgeWhileAsync(Sql.ReadSession, () => what switch
        {
            "disabled" => store.ChangeAsync(token.User, account => account.Disabled = true),
            "stamp" => store.ChangeAsync(token.User, account => account.SecurityStamp = "another"),
            _ => store.DeleteAsync(token.User),
        });

        Assert.Equal((RotationStatus.Rejected, RefusalReason.AccountChanged), (verdict.Status, verdict.Reason));
        Assert.Equal("account_changed", (await store.RowAsync(token.Session)).RevokedReason);
        Assert.Single(await store.EventsAsync());
    }

    /// <summary>Scenario 31: sign-out wins.</summary>
    [Fact]
    public async Task A_session_that_is_ended_after_the_rotation_gets_no_successor()
    {
        await using var other = store.Another();

        var verdict = await JudgeWhileAsync(Sql.ReadSession, () => other.RevokeAsync(token.Session));

        Assert.Equal((RotationStatus.Rejected, RefusalReason.Revoked), (verdict.Status, verdict.Reason));
        Assert.Empty(await store.EventsAsync());
    }

    [Fact]
    public async Task A_session_that_is_ended_before_the_replay_gets_no_successor()
    {
        await store.JudgeAsync(token);
        await using var other = store.Another();

        var verdict = await JudgeWhileAsync(Sql.Renew, () => other.RevokeAsync(token.Session));

        Assert.Equal((RotationStatus.Rejected, RefusalReason.Revoked), (verdict.Status, verdict.Reason));
        Assert.Equal(The.Beginning, (await store.RowAsync(token.Session)).LastUsedAt);
    }

    [Fact]
    public async Task An_account_that_is_disabled_before_the_replay_gets_no_successor()
    {
        await store.JudgeAsync(token);

        var verdict = await JudgeWhileAsync(Sql.Renew, () => store.ChangeAsync(token.User, account => account.Disabled = true));

        Assert.Equal((RotationStatus.Rejected, RefusalReason.AccountChanged), (verdict.Status, verdict.Reason));
    }

    /// <summary>The window is asked once more in the statement: time does not stand still between two of them.</summary>
    [Fact]
    public async Task A_window_that_turns_out_to_be_over_grants_no_replay()
    {
        await store.JudgeAsync(token);
        store.Time.Advance(TimeSpan.FromMinutes(2));

        var verdict = await JudgeWhileAsync(
            Sql.Renew, () => store.ChangeAsync(token.Session, row => row.SeenAt = The.Beginning));

        Assert.Equal((RotationStatus.Rejected, RefusalReason.Reuse), (verdict.Status, verdict.Reason));
    }

    [Fact]
    public async Task A_session_that_reaches_its_end_before_the_replay_gets_no_successor()
    {
        await store.JudgeAsync(token);

        var verdict = await JudgeWhileAsync(
            Sql.Renew, () => store.ChangeAsync(token.Session, row => row.ExpiresAt = store.Time.GetUtcNow()));

        Assert.Equal((RotationStatus.Rejected, RefusalReason.Expired), (verdict.Status, verdict.Reason));
    }

    /// <summary>Refused by the statement, and nothing wrong by the time of the look: judged once more.</summary>
    [Fact]
    public async Task A_token_that_lost_a_race_with_itself_is_judged_again()
    {
        await store.ChangeAsync(token.User, account => account.Disabled = true);

        var verdict = await JudgeWhileAsync(
            Sql.ReadSession, () => store.ChangeAsync(token.User, account => account.Disabled = false));

        Assert.Equal(RotationStatus.Rotated, verdict.Status);
        Assert.Null((await store.RowAsync(token.Session)).RevokedAt);
    }

    /// <summary>However often: three times at most, and then the next request may ask again.</summary>
    [Theory]
    [InlineData(2, nameof(RotationStatus.Rotated))]
    [InlineData(3, nameof(RotationStatus.Unavailable))]
    public async Task A_token_whose_row_moves_again_and_again_is_judged_three_times(int times, string status)
    {
        var rotating = store.Probe.Hold(DatabaseProbe.Rotation);
        var judging = Task.Run(() => store.JudgeAsync(token));
        for (var look = 0; look < times; look++)
        {
            await rotating.Arrived;
            await store.ChangeAsync(token.User, account => account.Disabled = true);
            var reading = store.Probe.Hold(Sql.ReadSession);
            store.Probe.StopHolding(DatabaseProbe.Rotation);
            await reading.Arrived;
            await store.ChangeAsync(token.User, account => account.Disabled = false);
            rotating = store.Probe.Hold(DatabaseProbe.Rotation);
            store.Probe.StopHolding(Sql.ReadSession);
        }

        store.Probe.StopHolding(DatabaseProbe.Rotation);

        Assert.Equal(status, (await judging.InTime()).Status.ToString());
        Assert.Null((await store.RowAsync(token.Session)).RevokedAt);
    }

    /// <summary>The next generation was made by the next racer; this one is told of its own.</summary>
    [Fact]
    public async Task A_rotation_names_its_own_generation_whatever_the_row_says_by_then()
    {
        var verdict = await JudgeWhileAsync(Sql.ReadSession, () => store.ChangeAsync(token.Session, row => row.Generation = 2));

        Assert.Equal((RotationStatus.Rotated, 1), (verdict.Status, verdict.Grant!.Generation.Value));
    }

    /// <summary>
    /// A successor that ended before its generation has lived an access token's life would let the session move twice within two
    /// windows, while requests with older cookies are still under way.
    /// </summary>
    [Fact]
    public async Task A_replay_that_was_kept_waiting_issues_no_successor_from_before_its_generation()
    {
        var rotatedAt = The.Beginning.AddSeconds(5);
        var verdict = await JudgeWhileAsync(DatabaseProbe.Rotation, async () =>
        {
            store.Time.Advance(rotatedAt - The.Beginning);
            await using var other = store.Another();
            Assert.Equal(RotationStatus.Rotated, (await other.JudgeAsync(token)).Status);
        });

        Assert.Equal((RotationStatus.Replayed, rotatedAt), (verdict.Status, (await store.RowAsync(token.Session)).RotatedAt));
        Assert.Equal(rotatedAt, verdict.IssuedAt);
    }

    private async Task<RotationVerdict> JudgeWhileAsync(string statement, Func<Task> meanwhile)
    {
        var gate = store.Probe.Hold(statement);
        var judging = Task.Run(() => store.JudgeAsync(token));
        await gate.Arrived;
        await meanwhile();
        store.Probe.StopHolding(statement);
        return await judging.InTime();
    }
}
