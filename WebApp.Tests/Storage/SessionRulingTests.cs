using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Storage;

/// <summary>
/// The decision table of the protocol ("Rotation: the database judges"), row by row and to the millisecond. Scenarios 3, 5, 8, 29.
/// </summary>
public sealed class SessionRulingTests
{
    private const int Current = 5;
    private const int Idle = 14 * 24 * 60 * 60 * 1000;
    private const int Window = 30_000;

    private static readonly DateTimeOffset Now = The.Beginning;

    [Fact]
    public void Where_there_is_no_row_the_session_is_revoked() => Rule(SessionRuling.Revoked, null, Current);

    [Fact]
    public void A_revoked_row_is_revoked() => Rule(SessionRuling.Revoked, Row(row => row.RevokedAt = Now), Current);

    [Theory]
    [InlineData(1, nameof(SessionRuling.Replay))]
    [InlineData(0, nameof(SessionRuling.Expired))]
    [InlineData(-1, nameof(SessionRuling.Expired))]
    public void The_absolute_limit_is_over_on_its_stroke(int millisecondsLeft, string ruling) =>
        Rule(ruling, Row(row => row.ExpiresAt = Now.AddMilliseconds(millisecondsLeft)), Current - 1);

    [Theory]
    [InlineData(Idle - 1, nameof(SessionRuling.Replay))]
    [InlineData(Idle, nameof(SessionRuling.Expired))]
    [InlineData(Idle + 1, nameof(SessionRuling.Expired))]
    public void The_idle_limit_is_over_on_its_stroke(int millisecondsUnused, string ruling) =>
        Rule(ruling, Row(row => row.LastUsedAt = Now.AddMilliseconds(-millisecondsUnused)), Current - 1);

    [Fact]
    public void An_account_that_is_gone_disabled_or_changed_has_changed()
    {
        Rule(SessionRuling.AccountChanged, new SessionState(Row().Row, null), Current - 1);
        Rule(SessionRuling.AccountChanged, Row() with { Account = new AccountState("ada", true, "stamp", []) }, Current - 1);
        Rule(SessionRuling.AccountChanged, Row() with { Account = new AccountState("ada", false, "STAMP", []) }, Current - 1);
        Rule(SessionRuling.AccountChanged, Row() with { Account = new AccountState("ada", false, "", []) }, Current - 1);
    }

    /// <summary>A generation that the row has not reached or has just left is a race, and a database may have lost a commit.</summary>
    [Theory]
    [InlineData(Current)]
    [InlineData(Current + 1)]
    [InlineData(int.MaxValue - 1)]
    public void A_generation_that_is_not_spent_is_judged_once_more(int presented) => Rule(SessionRuling.Again, Row(), presented);

    [Theory]
    [InlineData(null, nameof(SessionRuling.Replay))]
    [InlineData(0, nameof(SessionRuling.Replay))]
    [InlineData(Window - 1, nameof(SessionRuling.Replay))]
    [InlineData(Window, nameof(SessionRuling.Replay))]
    [InlineData(Window + 1, nameof(SessionRuling.Reuse))]
    [InlineData(-1000, nameof(SessionRuling.Replay))]
    public void The_last_spent_generation_is_good_until_its_window_is_over(int? millisecondsSinceSeen, string ruling) => Rule(
        ruling,
        Row(row => row.SeenAt = millisecondsSinceSeen is { } since ? Now.AddMilliseconds(-since) : null),
        Current - 1);

    /// <summary>However long ago the rotation was: a lid closed on a lost response (scenario 5).</summary>
    [Fact]
    public void An_unseen_successor_is_waited_for_until_the_idle_limit() => Rule(
        SessionRuling.Replay,
        Row(row => (row.RotatedAt, row.LastUsedAt) = (Now.AddMilliseconds(1 - Idle), Now.AddMilliseconds(1 - Idle))),
        Current - 1);

    [Theory]
    [InlineData(Current - 2, null)]
    [InlineData(Current - 2, 0)]
    [InlineData(0, null)]
    public void Two_generations_behind_is_reuse_whatever_was_seen(int presented, int? millisecondsSinceSeen) => Rule(
        SessionRuling.Reuse,
        Row(row => row.SeenAt = millisecondsSinceSeen is { } since ? Now.AddMilliseconds(-since) : null),
        presented);

    /// <summary>A token that fits several rows of the table gets the first.</summary>
    [Fact]
    public void The_rows_of_the_table_are_taken_in_their_order()
    {
        var state = Row(row =>
        {
            row.RevokedAt = Now;
            row.ExpiresAt = Now;
            row.SeenAt = Now.AddMilliseconds(-Window - 1);
        }) with
        { Account = null };
        Rule(SessionRuling.Revoked, state, 0);

        state.Row.RevokedAt = null;
        Rule(SessionRuling.Expired, state, 0);

        state.Row.ExpiresAt = Now.AddMilliseconds(1);
        Rule(SessionRuling.AccountChanged, state, 0);
        Rule(SessionRuling.AccountChanged, state, Current);

        state = state with { Account = Row().Account };
        Rule(SessionRuling.Reuse, state, 0);
        Rule(SessionRuling.Reuse, state, Current - 1);
        Rule(SessionRuling.Again, state, Current);
    }

    [Fact]
    public void A_session_without_an_account_grants_nothing() =>
        Assert.Throws<InvalidOperationException>(() => new SessionState(Row().Row, null).Grant());

    private static void Rule(string expected, SessionState? state, int presented) =>
        Rule(Enum.Parse<SessionRuling>(expected), state, presented);

    private static void Rule(SessionRuling expected, SessionState? state, int presented) => Assert.Equal(
        expected,
        SessionRulings.For(
            state, new Generation(presented), Now, TimeSpan.FromMilliseconds(Idle), TimeSpan.FromMilliseconds(Window)));

    /// <summary>A living session that was refreshed a moment ago, and its account.</summary>
    private static SessionState Row(Action<SessionRow>? change = null)
    {
        var row = new SessionRow
        {
            Id = Guid.NewGuid(),
            UserId = "u",
            SecurityStamp = "stamp",
            Generation = Current,
            RotatedAt = Now,
            LastUsedAt = Now,
            CreatedAt = Now.AddDays(-1),
            ExpiresAt = Now.AddDays(29),
            UserAgent = "",
            IpAddress = "",
        };
        change?.Invoke(row);
        return new SessionState(row, new AccountState("ada", false, "stamp", []));
    }
}
