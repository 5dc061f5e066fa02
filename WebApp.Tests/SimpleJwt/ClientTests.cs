using System.Diagnostics;
using System.Globalization;
using WebApp.Tests.Browser;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.SimpleJwt;

/// <summary>One client, written for Simple JWT, against a real Django and, not changed by a letter, against this site.</summary>
public sealed class ClientTests(SharedPostgres postgres, HastySite site) : IClassFixture<HastySite>
{
    /// <summary>A life of two seconds, whose end is a whole one.</summary>
    private const double SecondsUntilExpired = 3.1;

    [Fact]
    public async Task It_signs_in_calls_refreshes_and_blacklists_at_a_real_Django()
    {
        await using var django = await DjangoServer.StartAsync(postgres, new DjangoOptions { AccessLifetime = TimeSpan.FromSeconds(2) });

        await RunAsync(django.Address, DjangoUser.Ada.Name, DjangoUser.Ada.Password);
    }

    [Fact]
    public Task It_signs_in_calls_refreshes_and_blacklists_here() => RunAsync(site.Address, "ada", "Correct-Horse-1");

    private static async Task RunAsync(Uri address, string userName, string password)
    {
        var node = Installed.Program("node");
        var folder = Path.Combine(Repository.Root.FullName, "WebApp.Tests", "Browser");
        Installed.Require(Directory.Exists(Path.Combine(folder, "node_modules", "axios")), "Axios is not there: ./test.sh brings it.");

        await using var client = KeptProcess.Start("KILL", new ProcessStartInfo(
            node,
            ["simple-jwt-client.mjs", address.ToString(), userName, password, SecondsUntilExpired.ToString(CultureInfo.InvariantCulture)])
        {
            WorkingDirectory = folder,
        });
        var exitCode = await client.Ended.InTime();

        Assert.True(exitCode == 0, string.Join('\n', [.. client.Output, .. client.Errors]));
        Assert.Equal(["done"], client.Output);
    }
}
