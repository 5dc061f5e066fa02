using WebApp.Lab;
using Xunit;

namespace WebApp.Tests.Lab;

/// <summary>What a plan throws away, and how answers are read.</summary>
public sealed class StormTests
{
    [Theory]
    [InlineData(20, 0, 0)]
    [InlineData(20, 50, 10)]
    [InlineData(3, 50, 2)]
    [InlineData(500, 1, 5)]
    [InlineData(1, 100, 1)]
    public void As_many_answers_are_lost_as_the_plan_says(int requests, int percent, int lost) =>
        Assert.Equal(lost, Plan(requests, percent, seed: 1).LostNumbers().Count);

    [Fact]
    public void The_seed_decides_which()
    {
        Assert.Equal(Plan(100, 50, seed: 1).LostNumbers().Order(), Plan(100, 50, seed: 1).LostNumbers().Order());
        Assert.NotEqual(Plan(100, 50, seed: 1).LostNumbers().Order(), Plan(100, 50, seed: 2).LostNumbers().Order());
    }

    [Fact]
    public void Of_a_flight_the_one_that_waited_longest_for_it_rotated()
    {
        var storm = Storm.WithOneRotation([Rotated(0, refresh: 3), Rotated(1, refresh: 9), Rotated(2, refresh: 5), Answer(3, LabOutcome.Refused)]);

        Assert.Equal(
            [LabOutcome.Replayed, LabOutcome.Rotated, LabOutcome.Replayed, LabOutcome.Refused], storm.Select(answer => answer.Outcome));
    }

    [Fact]
    public void Two_nodes_that_rotated_and_a_second_generation_are_not_hidden()
    {
        var storm = Storm.WithOneRotation([Rotated(0), Rotated(1) with { Node = 1 }, Rotated(2) with { Generation = 2 }]);

        Assert.All(storm, answer => Assert.Equal(LabOutcome.Rotated, answer.Outcome));
    }

    private static LabPlan Plan(int requests, int lost, int seed) => new(LabStrategy.Site, requests, 1, lost, seed, 1);

    private static LabAnswer Rotated(int number, double refresh = 1) => Answer(number, LabOutcome.Rotated) with { Generation = 1, Refresh = refresh };

    private static LabAnswer Answer(int number, LabOutcome outcome) => new(number, 0, 0, 0, 10, 200, outcome);
}
