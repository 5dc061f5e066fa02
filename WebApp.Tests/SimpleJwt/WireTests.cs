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

    /// <summary>
    /// Each answer of this site is Simple JWT's, but for what <see cref="WireDifferences"/> explains. One that is explained and is
    /// no difference any more is an offence too.
    /// </summary>
    [Fact]
    public async Task This_site_answers_as_Simple_JWT_does_or_says_why_not()
    {
        await using var django = await DjangoWireTarget.StartAsync(postgres);
        using var site = await SiteWireTarget.StartAsync();
        var offences = new List<string>();
        var (same, explained) = (0, 0);
        foreach (var wire in WireCases.All)
        {
            var theirs = WireDifferences.InWordsOfNow(await django.PlayAsync(wire));
            var ours = WireDifferences.WithoutWhatIsAdded(await site.PlayAsync(wire));
            var differences = theirs.DifferencesTo(ours).ToList();
            var explanation = WireDifferences.Explained.GetValueOrDefault(wire.Name);
            same += differences.Count == 0 ? 1 : 0;
            explained += differences.Count > 0 && explanation is not null ? 1 : 0;
            offences.AddRange((differences.Count > 0, explanation is not null) switch
            {
                (true, false) => differences.Select(difference => $"{wire.Name}: {difference}"),
                (false, true) => [$"{wire.Name}: there is no difference that needs to be explained."],
                _ => [],
            });
        }

        output.WriteLine($"{WireCases.All.Count} requests: {same} answered alike, {explained} otherwise and explained.");
        offences.AssertNone();
        Assert.Equal([], WireDifferences.Explained.Keys.Except(WireCases.All.Select(wire => wire.Name)));
    }
}
