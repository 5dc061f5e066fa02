using WebApp.Api;
using WebApp.Configuration;
using WebApp.Storage;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Storage;

/// <summary>Which key is made, accepted and signs, from the rows and the time alone (decision 8).</summary>
public sealed class SigningKeyScheduleTests
{
    private const int Number = 730;

    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);

    /// <summary>The beginning of the period <see cref="Number"/>.</summary>
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch + (Number * SigningPeriod.Length);

    private static readonly SessionsOptions Options = new() { AccessTokenLifetime = TimeSpan.FromHours(3) };

    [Fact]
    public void A_period_ends_with_its_last_tick()
    {
        Assert.Equal(Number, SigningPeriod.At(Start).Number);
        Assert.Equal(Number - 1, SigningPeriod.At(Start.AddTicks(-1)).Number);
        Assert.Equal(Number, SigningPeriod.At(Start + SigningPeriod.Length - TimeSpan.FromTicks(1)).Number);
    }

    [Theory]
    [InlineData("ES256-730", "ES256", 730)]
    [InlineData("HS256-0", "HS256", 0)]
    [InlineData("ES256-730", "HS256", null)]
    [InlineData("ES256-", "ES256", null)]
    [InlineData("ES256--1", "ES256", null)]
    [InlineData("ES256-99999999999", "ES256", null)]
    [InlineData("ES256", "ES256", null)]
    [InlineData("0f8fad5bd9cb469fa16570867728950e", "ES256", null)]
    public void A_name_tells_its_period(string id, string algorithm, int? number) =>
        Assert.Equal(number, SigningPeriod.Of(id, algorithm)?.Number);

    [Fact]
    public void The_next_key_is_made_in_good_time_and_not_before()
    {
        var now = Start - SigningKeySchedule.Ahead;
        SigningKeyRow[] rows = [Row(Number - 1)];

        Assert.Empty(Schedule(now - Millisecond, rows).Missing);
        Assert.Equal([$"ES256-{Number}"], Schedule(now, rows).Missing);
        Assert.Empty(Schedule(now, [.. rows, Row(Number)]).Missing);
    }

    [Fact]
    public void Without_a_key_one_is_made_for_now_and_near_a_period_s_end_for_the_next_too()
    {
        Assert.Equal([$"ES256-{Number}"], Schedule(Start).Missing);
        Assert.Equal([$"ES256-{Number - 1}", $"ES256-{Number}"], Schedule(Start - Millisecond).Missing);
        Assert.Equal([$"ES256-{Number}"], Schedule(Start, Row(Number - 12), Row(Number, "HS256")).Missing);
    }

    [Fact]
    public void A_key_signs_from_the_first_instant_of_its_period_on()
    {
        SigningKeyRow[] rows = [Row(Number), Row(Number - 1)];

        Assert.Equal($"ES256-{Number - 1}", Signer(Start - Millisecond, rows));
        Assert.Equal($"ES256-{Number}", Signer(Start, rows));
    }

    /// <summary>Scenario 23: an outage of the database may have been in the way.</summary>
    [Fact]
    public void A_key_that_was_made_late_has_its_day_of_notice_while_the_one_before_works_overtime()
    {
        SigningKeyRow[] rows = [Row(Number - 1), Row(Number, createdAt: Start.AddHours(1))];
        var due = Start.AddHours(1) + SigningKeySchedule.Notice;

        Assert.Equal($"ES256-{Number - 1}", Signer(due - Millisecond, rows));
        Assert.Equal($"ES256-{Number}", Signer(due, rows));
    }

    [Fact]
    public void No_key_works_overtime_for_longer_than_two_days()
    {
        var end = Start + SigningKeySchedule.Overtime;
        SigningKeyRow[] rows = [Row(Number - 1), Row(Number, createdAt: end - Millisecond)];

        Assert.Equal($"ES256-{Number - 1}", Signer(end - Millisecond, rows));
        Assert.Equal($"ES256-{Number}", Signer(end, rows));
    }

    [Fact]
    public void After_a_year_a_new_key_signs_at_once()
    {
        SigningKeyRow[] rows = [Row(Number - 12), Row(Number, createdAt: Start.AddDays(3))];

        Assert.Equal($"ES256-{Number}", Assert.Single(Schedule(Start.AddDays(3), rows).Accepted).Id);
    }

    [Fact]
    public void A_key_of_another_algorithm_signs_until_one_of_the_configured_has_had_its_notice()
    {
        var change = Start.AddDays(10);
        SigningKeyRow[] rows = [Row(Number, "HS256"), Row(Number, createdAt: change)];

        Assert.Equal($"HS256-{Number}", Signer(change + SigningKeySchedule.Notice - Millisecond, rows));
        Assert.Equal($"ES256-{Number}", Signer(change + SigningKeySchedule.Notice, rows));
    }

    /// <summary>A site may be set up, and its algorithm changed, on the same day.</summary>
    [Fact]
    public void Of_keys_without_notice_the_one_signs_that_has_been_published_longest()
    {
        SigningKeyRow[] rows = [Row(Number, createdAt: Start.AddHours(2)), Row(Number, "HS256", Start.AddHours(1))];

        Assert.Equal($"HS256-{Number}", Signer(Start.AddHours(3), rows));
    }

    [Fact]
    public void A_key_is_accepted_until_the_last_token_of_its_overtime_has_long_expired()
    {
        SigningKeyRow[] rows = [Row(Number - 1), Row(Number)];
        var lastTokenEnds = Start + SigningKeySchedule.Overtime + Options.AccessTokenLifetime;

        Assert.Equal(2, Schedule(lastTokenEnds, rows).Accepted.Count());
        Assert.Equal(2, Schedule(lastTokenEnds.AddHours(23), rows).Accepted.Count());
        Assert.Single(Schedule(lastTokenEnds.AddHours(24), rows).Accepted);
    }

    [Fact]
    public void A_row_is_kept_for_a_whole_period_after_its_key_has_retired()
    {
        SigningKeyRow[] rows = [Row(Number - 1), Row(Number), Row(Number + 1)];
        var retired = Start + SigningKeySchedule.Overtime + Options.AccessTokenLifetime + TimeSpan.FromDays(1);

        Assert.Empty(Schedule(retired + SigningPeriod.Length - Millisecond, rows).LongRetired);
        Assert.Equal([$"ES256-{Number - 1}"], Schedule(retired + SigningPeriod.Length, rows).LongRetired);
    }

    [Fact]
    public void A_key_from_before_there_were_periods_retires_with_the_first_one_of_a_period()
    {
        var old = new SigningKeyRow { Id = "0f8f", Algorithm = "ES256", ProtectedMaterial = "", CreatedAt = Start.AddDays(-500) };
        var retired = Start + SigningPeriod.Length + SigningKeySchedule.Overtime + Options.AccessTokenLifetime + TimeSpan.FromDays(1);
        SigningKeyRow[] rows = [old, Row(Number, createdAt: Start.AddDays(7)), Row(Number + 1)];

        Assert.Equal("0f8f", Signer(Start.AddDays(7), [old]));
        Assert.Equal("0f8f", Signer(Start.AddDays(7), rows));
        Assert.Equal($"ES256-{Number}", Signer(Start.AddDays(8), rows));
        Assert.Contains(old, Schedule(retired - Millisecond, rows).Accepted);
        Assert.DoesNotContain(old, Schedule(retired, rows).Accepted);
        Assert.Equal(["0f8f", $"ES256-{Number}"], Schedule(retired + SigningPeriod.Length, rows).LongRetired);
    }

    /// <summary>Nodes read the rows in whatever order the database gives them, and must not differ for it.</summary>
    [Fact]
    public void The_order_of_the_rows_decides_nothing()
    {
        SigningKeyRow[] rows = [Row(Number - 1), Row(Number), Row(Number, "HS256"), Row(Number + 1), Row(Number, "RS256")];

        for (var day = -2; day < 40; day++)
        {
            var now = Start.AddDays(day);
            Assert.Equal(Schedule(now, rows).Accepted, Schedule(now, [.. rows.Reverse()]).Accepted);
        }
    }

    /// <summary>Scenario 27: whatever a node with a clock a little off signs with, the others have had for long.</summary>
    [Fact]
    public void A_key_is_known_to_every_node_and_every_client_long_before_it_signs()
    {
        var longestCopy = SigningKeyStore.Interval + SessionEndpoints.KeySetLife;

        Assert.True(10 * longestCopy < SigningKeySchedule.Notice);
        Assert.True(SigningKeySchedule.Notice < SigningKeySchedule.Ahead);
        Assert.True(SigningKeySchedule.Notice < SigningKeySchedule.Overtime);
        Assert.Contains(Schedule(Start.AddMinutes(-1), Row(Number - 1), Row(Number)).Accepted, row => row.Id == $"ES256-{Number}");
    }

    private static SigningKeySchedule Schedule(DateTimeOffset now, params SigningKeyRow[] rows) => new(rows, Options, now);

    private static string Signer(DateTimeOffset now, params SigningKeyRow[] rows) => Schedule(now, rows).Accepted.First().Id;

    /// <param name="number">Of which period.</param>
    /// <param name="algorithm">ES256 is the configured one.</param>
    /// <param name="createdAt">In good time, unless it is said.</param>
    private static SigningKeyRow Row(int number, string algorithm = "ES256", DateTimeOffset? createdAt = null) => new()
    {
        Id = new SigningPeriod(number).KeyId(algorithm),
        Algorithm = algorithm,
        ProtectedMaterial = "",
        CreatedAt = createdAt ?? DateTimeOffset.UnixEpoch + (number * SigningPeriod.Length) - SigningKeySchedule.Ahead,
    };
}
