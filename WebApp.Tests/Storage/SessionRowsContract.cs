using WebApp.Storage;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Storage;

/// <summary>
/// What every <see cref="ISessionRows"/> keeps to, condition by condition and to the millisecond. Each fact changes one thing of
/// a row for which the statement would have been carried out.
/// </summary>
public abstract partial class SessionRowsContract : IAsyncLifetime
{
    [Fact]
    public async Task A_session_is_found_with_its_account_and_its_roles_in_order()
    {
        var added = await AddAsync(row => (row.SeenAt, row.Persistent) = (Now, true));

        var found = await FindAsync();

        Assert.Equivalent(added, found!.Row, strict: true);
        Assert.Equal(("ada", false, Stamp), (found.Account!.Name, found.Account.Disabled, found.Account.SecurityStamp));
        Assert.Equal(["Admin", "Editor"], found.Account.Roles);
    }

    [Fact]
    public async Task A_session_that_nobody_knows_is_not_found()
    {
        await AddAsync();

        Assert.Null(await Rows.FindAsync(SessionId.New(), CancellationToken.None));
    }

    [Fact]
    public async Task A_session_is_found_that_is_over()
    {
        await AddAsync(row => (row.RevokedAt, row.RevokedReason, row.ExpiresAt) = (Now, "reuse", Now.AddDays(-1)));

        Assert.Equal("reuse", (await FindAsync())!.Row.RevokedReason);
    }

    [Fact]
    public async Task A_session_whose_account_is_gone_is_found_without_one()
    {
        await AddAsync();
        await SetAccountAsync(user, null);

        Assert.Null((await FindAsync())!.Account);
    }

    [Fact]
    public async Task An_account_is_found_as_it_is_now()
    {
        await AddAsync();
        await SetAccountAsync(user, new AccountState("a new name", Disabled: true, "another", []));

        var account = (await FindAsync())!.Account!;

        Assert.Equal(("a new name", true, "another"), (account.Name, account.Disabled, account.SecurityStamp));
        Assert.Empty(account.Roles);
    }

    [Fact]
    public async Task What_was_found_does_not_change_afterwards()
    {
        await AddAsync();
        var found = await FindAsync();

        Assert.True(await RotateAsync(Current));

        Assert.Equal(Current, found!.Row.Generation);
    }

    [Theory]
    [InlineData(Current)]
    [InlineData(Current + 1)]
    [InlineData(Current + 7)]
    public async Task The_current_generation_and_one_ahead_rotate(int presented)
    {
        var expected = await AddAsync(row => row.SeenAt = Now.AddMinutes(-1));
        var other = await AddOtherAsync();

        Assert.True(await RotateAsync(presented));

        (expected.Generation, expected.SeenAt, expected.RotatedAt, expected.LastUsedAt) = (presented + 1, null, Now, Now);
        await ExpectAsync(expected, other);
    }

    [Fact]
    public async Task A_spent_generation_does_not_rotate() => await DoNotRotateAsync(presented: Current - 1);

    [Fact]
    public async Task A_session_that_was_ended_does_not_rotate() => await DoNotRotateAsync(row => row.RevokedAt = Now);

    [Fact]
    public async Task A_session_rotates_before_its_absolute_limit_and_not_on_it()
    {
        await DoNotRotateAsync(row => row.ExpiresAt = Now);
        await ChangeRowAsync(session, row => row.ExpiresAt = Now + Millisecond);

        Assert.True(await RotateAsync(Current));
    }

    [Fact]
    public async Task A_session_rotates_before_its_idle_limit_and_not_on_it()
    {
        await DoNotRotateAsync(row => row.LastUsedAt = IdleSince);
        await ChangeRowAsync(session, row => row.LastUsedAt = IdleSince + Millisecond);

        Assert.True(await RotateAsync(Current));
    }

    [Theory]
    [MemberData(nameof(ChangedAccounts))]
    public async Task A_session_whose_account_changed_does_not_rotate(bool gone, bool disabled, string stamp)
    {
        await SetAccountAsync(user, gone ? null : new AccountState("ada", disabled, stamp, []));

        await DoNotRotateAsync();
    }

    [Fact]
    public async Task A_session_that_nobody_knows_does_not_rotate()
    {
        var unknown = new RefreshToken(SessionId.New(), new Generation(0), user);

        Assert.False(await Rows.TryRotateAsync(unknown, Now, IdleSince, renewal: null, CancellationToken.None));
    }

    /// <summary>Scenario 1.</summary>
    [Fact]
    public async Task Of_twenty_at_once_one_rotates()
    {
        await AddAsync();

        var rotated = await TwentyAtOnceAsync(() => RotateAsync(Current));

        Assert.Single(rotated, one => one);
        Assert.Equal(Current + 1, (await RowAsync(session)).Generation);
    }

    [Fact]
    public async Task The_idle_limit_of_a_session_is_renewed_and_nothing_else()
    {
        var expected = await AddAsync();
        var other = await AddOtherAsync();

        Assert.True(await RenewAsync(Current));

        expected.LastUsedAt = Now;
        await ExpectAsync(expected, other);
    }

    [Theory]
    [InlineData(Current - 1)]
    [InlineData(Current + 1)]
    public async Task Another_generation_is_not_renewed(int generation) => await DoNotRenewAsync(current: generation);

    [Fact]
    public async Task A_session_that_was_ended_is_not_renewed() => await DoNotRenewAsync(row => row.RevokedAt = Now);

    [Fact]
    public async Task A_session_is_renewed_before_its_absolute_limit_and_not_on_it()
    {
        await DoNotRenewAsync(row => row.ExpiresAt = Now);
        await ChangeRowAsync(session, row => row.ExpiresAt = Now + Millisecond);

        Assert.True(await RenewAsync(Current));
    }

    [Fact]
    public async Task A_session_is_renewed_until_the_window_after_the_first_proof_is_over()
    {
        await DoNotRenewAsync(row => row.SeenAt = Now - Window - Millisecond);
        await ChangeRowAsync(session, row => row.SeenAt = Now - Window);

        Assert.True(await RenewAsync(Current));
    }

    [Theory]
    [MemberData(nameof(ChangedAccounts))]
    public async Task A_session_whose_account_changed_is_not_renewed(bool gone, bool disabled, string stamp)
    {
        await SetAccountAsync(user, gone ? null : new AccountState("ada", disabled, stamp, []));

        await DoNotRenewAsync();
    }

    [Fact]
    public async Task A_session_that_nobody_knows_is_not_renewed() => Assert.False(
        await Rows.TryRenewAsync(SessionId.New(), new Generation(0), Now, Now - Window, CancellationToken.None));

    [Fact]
    public async Task A_session_is_ended_with_its_reason_and_nothing_else_changes()
    {
        var expected = await AddAsync();
        var other = await AddOtherAsync();

        Assert.True(await RevokeAsync(RefusalReason.AccountChanged));

        (expected.RevokedAt, expected.RevokedReason) = (Now, "account_changed");
        await ExpectAsync(expected, other);
        Assert.Empty(await EventsAsync());
    }

    [Fact]
    public async Task A_session_is_ended_once_and_its_first_reason_stays()
    {
        var expected = await AddAsync(row => (row.RevokedAt, row.RevokedReason) = (Now.AddDays(-1), "reuse"));

        Assert.False(await RevokeAsync(RefusalReason.Revoked, Record()));

        await ExpectAsync(expected);
        Assert.Empty(await EventsAsync());
    }

    [Fact]
    public async Task A_session_past_its_limits_whose_account_is_gone_can_be_ended()
    {
        await AddAsync(row => (row.ExpiresAt, row.LastUsedAt) = (Now, IdleSince));
        await SetAccountAsync(user, null);

        Assert.True(await RevokeAsync(RefusalReason.Revoked));
    }

    [Fact]
    public async Task A_session_that_nobody_knows_is_not_ended()
    {
        var ended = await Rows.TryRevokeAsync(SessionId.New(), RefusalReason.Reuse, Now, Record(), CancellationToken.None);

        Assert.False(ended);
        Assert.Empty(await EventsAsync());
    }

    [Fact]
    public async Task What_the_owner_should_know_is_recorded_by_the_one_of_twenty_that_ended_the_session()
    {
        await AddAsync();

        var ended = await TwentyAtOnceAsync(() => RevokeAsync(RefusalReason.Reuse, Record()));

        Assert.Single(ended, one => one);
        var (expected, recorded) = (Record(), Assert.Single(await EventsAsync()));
        Assert.Equal(
            (expected.UserId, expected.SessionId, expected.Kind, expected.At, expected.UserAgent, expected.IpAddress),
            (recorded.UserId, recorded.SessionId, recorded.Kind, recorded.At, recorded.UserAgent, recorded.IpAddress));
    }

    [Fact]
    public async Task A_proof_of_the_current_generation_is_written_and_nothing_else()
    {
        var expected = await AddAsync();
        var other = await AddOtherAsync();

        await MarkSeenAsync(Current);

        expected.SeenAt = Now;
        await ExpectAsync(expected, other);
    }

    [Theory]
    [InlineData(Current - 1)]
    [InlineData(Current + 1)]
    public async Task A_proof_of_another_generation_is_not_written(int generation)
    {
        var expected = await AddAsync();

        await MarkSeenAsync(generation);

        await ExpectAsync(expected);
    }

    /// <summary>Scenario 43: the window never slides.</summary>
    [Fact]
    public async Task The_first_proof_stays()
    {
        var expected = await AddAsync(row => row.SeenAt = Now - Millisecond);

        await MarkSeenAsync(Current);

        await ExpectAsync(expected);
    }

    [Fact]
    public async Task Of_many_proofs_each_is_judged_by_itself()
    {
        List<SessionRow> added = [];
        for (var generation = 0; generation < 30; generation++)
        {
            added.Add(await AddOtherAsync(generation));
        }

        // Every third names the next generation, and one a session that nobody knows.
        var proofs = added
            .Select((row, index) => new SessionProof(new SessionId(row.Id), new Generation(row.Generation + (index % 3 == 0 ? 1 : 0))))
            .Append(new SessionProof(SessionId.New(), new Generation(0)));
        await Rows.MarkSeenAsync([.. proofs], Now, CancellationToken.None);

        for (var index = 0; index < added.Count; index++)
        {
            added[index].SeenAt = index % 3 == 0 ? null : Now;
        }

        await ExpectAsync([.. added]);
    }

    [Fact]
    public async Task No_proofs_at_all_are_no_error() => await Rows.MarkSeenAsync([], Now, CancellationToken.None);

    [Theory]
    [InlineData("revoked", nameof(RefusalReason.Revoked))]
    [InlineData("reuse", nameof(RefusalReason.Reuse))]
    [InlineData("a word of a later version", nameof(RefusalReason.Revoked))]
    [InlineData(null, nameof(RefusalReason.Revoked))]
    public async Task Sessions_that_were_ended_since_are_listed_with_their_reasons(string? stored, string reason)
    {
        await AddOtherAsync();
        await AddAsync(row => (row.RevokedAt, row.RevokedReason) = (Now, stored));

        var listed = Assert.Single(await Rows.RevokedSinceAsync(Now, CancellationToken.None));

        Assert.Equal((session, Enum.Parse<RefusalReason>(reason)), (listed.Key, listed.Value));
        Assert.Empty(await Rows.RevokedSinceAsync(Now + Millisecond, CancellationToken.None));
    }
}
