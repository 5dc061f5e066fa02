using WebApp.Tests.Conventions;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.SimpleJwt;

/// <summary>Simple JWT's wire contract, asked of Simple JWT.</summary>
public sealed class WireTests(ITestOutputHelper output, SharedPostgres postgres)
{
    [Fact]
    public void Each_case_has_a_name_of_its_own() =>
        Assert.Equal(WireCases.All.Count, WireCases.All.Select(wire => wire.Name).Distinct().Count());

    /// <summary>Else a difference to it would say nothing.</summary>
    [Fact]
    public async Task Simple_JWT_answers_each_case_the_same_way_twice()
    {
        await using var django = await DjangoWireTarget.StartAsync(postgres);
        var first = new List<WireAnswer>();
        output.WriteLine($"Simple JWT {await DjangoServer.VersionAsync()}");
        output.WriteLine("| case | status | body | headers |");
        output.WriteLine("|---|---|---|---|");
        foreach (var wire in WireCases.All)
        {
            first.Add(await django.PlayAsync(wire));
            output.WriteLine($"| {wire.Name} | {first[^1]} |");
        }

        var offences = new List<string>();
        foreach (var (wire, answer) in WireCases.All.Zip(first))
        {
            offences.AddRange((await django.PlayAsync(wire)).DifferencesTo(answer).Select(difference => $"{wire.Name}: {difference}"));
        }

        offences.AssertNone();
    }
}
