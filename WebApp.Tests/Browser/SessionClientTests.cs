using System.Diagnostics;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Browser;

/// <summary>
/// Scenarios 51 and 55: wwwroot/js/session-client.js in Node, against a server on a socket and with a real Axios. The tests
/// themselves are the files <c>*.test.mjs</c> beside this one.
/// </summary>
public sealed class SessionClientTests
{
    private static readonly string Folder = Path.Combine(Repository.Root.FullName, "WebApp.Tests", "Browser");

    [Theory]
    [InlineData("session-fetch.test.mjs")]
    [InlineData("session-axios.test.mjs")]
    [InlineData("session-tabs.test.mjs")]
    public async Task What_the_usual_interceptor_gets_wrong_the_module_does_not(string file)
    {
        var node = Installed.Program("node");
        Installed.Require(
            Directory.Exists(Path.Combine(Folder, "node_modules", "axios")),
            "Axios is not there: run 'npm ci' in WebApp.Tests/Browser, or ./test.sh, which does.");

        await using var tests = KeptProcess.Start(
            "KILL", new ProcessStartInfo(node, ["--test", "--test-reporter=spec", file]) { WorkingDirectory = Folder });
        var exitCode = await tests.Ended.InTime();
        Assert.True(exitCode == 0, string.Join('\n', [.. tests.Output, .. tests.Errors]));
        Assert.Contains(tests.Output, line => line.Contains("pass ", StringComparison.Ordinal) && !line.EndsWith(" 0", StringComparison.Ordinal));
    }
}
