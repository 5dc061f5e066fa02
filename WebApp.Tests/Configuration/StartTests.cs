using System.Net;
using System.Text.Json;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Configuration;

/// <summary>The built site, started as its operator starts it.</summary>
public sealed class StartTests
{
    [Fact]
    public async Task In_Development_the_site_makes_its_database_and_is_ready()
    {
        await using var site = BuiltSite.Run("Development");
        using var client = await site.ClientAsync();

        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/healthz/live")).StatusCode);

        var ready = await client.GetAsync("/healthz/ready");
        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        var report = JsonElement.Parse(await ready.Content.ReadAsStringAsync());
        Assert.Equal("Healthy", report.GetProperty("status").GetString());
        Assert.Equal("Healthy", report.GetProperty("dependencies").GetProperty("database").GetProperty("status").GetString());
        Assert.Empty(site.Errors);
    }

    [Fact]
    public async Task In_Production_a_database_that_is_behind_stops_the_start_and_names_the_command()
    {
        await using var site = BuiltSite.Run("Production");
        Assert.Equal(1, await site.ExitAsync());
        var said = Assert.Single(site.Errors);
        Assert.StartsWith("The site cannot start: The database lacks ", said, StringComparison.Ordinal);
        Assert.EndsWith("run this program once with the argument 'migrate'.", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Migrate_brings_the_database_up_to_date_and_ends_and_the_site_then_answers_plain_HTTP_without_a_fault()
    {
        await using var migration = BuiltSite.Run("Production", [], "migrate");
        Assert.Equal(0, await migration.ExitAsync());
        Assert.Empty(migration.Errors);

        await using var again = migration.RunAnother("Production", [], "--Sessions:Jitter=0", "migrate");
        Assert.Equal(0, await again.ExitAsync());

        await using var site = migration.RunAnother("Production");
        using var client = await site.ClientAsync();

        Assert.Equal(HttpStatusCode.OK, await StatusAsync("/healthz/ready"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("/"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("/login"));
        Assert.Equal(HttpStatusCode.Redirect, await StatusAsync("/notes"));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync("/api/me"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("/.well-known/jwks.json"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync("/nowhere"));
        Assert.DoesNotContain(site.Output, line => line.StartsWith("fail:", StringComparison.Ordinal));

        async Task<HttpStatusCode> StatusAsync(string path)
        {
            // Cookies that over plain HTTP are none of the site's.
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Add("Cookie", "access_token=a.b.c; refresh_token=d");
            using var answer = await client.SendAsync(request);
            return answer.StatusCode;
        }
    }

    [Fact]
    public async Task Migrate_refuses_nonsense_in_the_configuration_too()
    {
        await using var migration = BuiltSite.Run("Production", [("Sessions:LockWait", "soon")], "migrate");
        Assert.Equal(1, await migration.ExitAsync());
        Assert.StartsWith("The site cannot start: Sessions:LockWait is 'soon', but ", Assert.Single(migration.Errors), StringComparison.Ordinal);
    }
}
