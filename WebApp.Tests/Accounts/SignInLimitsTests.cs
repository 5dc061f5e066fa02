using WebApp.Accounts;
using Xunit;

namespace WebApp.Tests.Accounts;

public sealed class SignInLimitsTests
{
    [Fact]
    public void One_account_is_tried_a_hundred_times_at_once_however_its_name_is_written_and_from_wherever()
    {
        using var limits = new SignInLimits();
        var tries = Enumerable.Range(0, SignInLimits.Burst).Select(i => limits.TryTake(i % 2 == 0 ? "ada" : " ADA ", $"192.0.2.{i}"));
        Assert.All(tries, wait => Assert.Null(wait));

        var wait = limits.TryTake("Ada", "198.51.100.1");

        Assert.InRange(wait!.Value, TimeSpan.FromMilliseconds(1), SignInLimits.Pace);
        Assert.Null(limits.TryTake("bob", "198.51.100.1"));
    }

    [Fact]
    public void One_address_tries_a_hundred_times_at_once_whoever_it_names()
    {
        using var limits = new SignInLimits();
        Assert.All(Enumerable.Range(0, SignInLimits.Burst).Select(i => limits.TryTake($"name{i}", "192.0.2.1")), wait => Assert.Null(wait));

        Assert.NotNull(limits.TryTake("somebody", "192.0.2.1"));
        Assert.Null(limits.TryTake("somebody", "192.0.2.2"));
    }

    [Fact]
    public void Addresses_of_one_subscriber_are_one_address()
    {
        using var limits = new SignInLimits();
        Assert.All(
            Enumerable.Range(0, SignInLimits.Burst).Select(i => limits.TryTake($"name{i}", $"2001:db8:1:2::{i:x}")),
            wait => Assert.Null(wait));

        Assert.NotNull(limits.TryTake("somebody", "2001:db8:1:2:ffff::1"));
        Assert.Null(limits.TryTake("somebody", "2001:db8:1:3::1"));
    }

    /// <summary>Behind a proxy that does not say whom it serves, everybody has that address.</summary>
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("")]
    public void This_machine_itself_is_nobodys_address(string address)
    {
        using var limits = new SignInLimits();

        Assert.All(
            Enumerable.Range(0, SignInLimits.Burst * 2).Select(i => limits.TryTake($"name{i}", address)),
            wait => Assert.Null(wait));
    }
}
