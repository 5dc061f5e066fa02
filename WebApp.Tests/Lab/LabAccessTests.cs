using System.Net;
using AngleSharp.Html.Parser;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Lab;

/// <summary>Outside Development the lab is there if it is switched on, and then for administrators alone.</summary>
public sealed class LabAccessTests
{
    private static readonly (string Key, string Value)[] Settings =
    [
        ("ASPNETCORE_FORWARDEDHEADERS_ENABLED", "true"),
        ("Accounts:Seed:0:UserName", "ada"), ("Accounts:Seed:0:Password", Person.Password), ("Accounts:Seed:0:Roles:0", "Admin"),
        ("Accounts:Seed:1:UserName", "bob"), ("Accounts:Seed:1:Password", Person.Password),
    ];

    [Fact]
    public async Task Outside_Development_it_is_not_there_unless_it_is_switched_on()
    {
        await using var migration = await MigratedAsync();
        await using var site = migration.RunAnother("Production", Settings);
        using var admin = await SignedInAsync(site, "ada");

        using var absent = await admin.GetAsync("/lab");
        using var absentRun = await admin.GetAsync($"/lab/runs/{Guid.NewGuid()}");

        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NotFound), (absent.StatusCode, absentRun.StatusCode));
        Assert.DoesNotContain("\"/lab\"", await admin.GetStringAsync("/notes"), StringComparison.Ordinal);
        Assert.Equal(0, await site.StopAsync());
    }

    [Fact]
    public async Task Switched_on_it_is_for_administrators_alone_who_fire_past_the_proxy()
    {
        await using var migration = await MigratedAsync();
        await using var site = migration.RunAnother("Production", [.. Settings, ("Lab:Enabled", "true")]);
        using var nobody = await ClientAsync(site);
        using var bob = await SignedInAsync(site, "bob");

        using var asked = await nobody.GetAsync("/lab");
        using var forbidden = await bob.GetAsync("/lab");
        using var forbiddenRun = await bob.GetAsync($"/lab/runs/{Guid.NewGuid()}");

        Assert.True(asked.AsksToSignIn());
        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.Forbidden), (forbidden.StatusCode, forbiddenRun.StatusCode));
        Assert.DoesNotContain("\"/lab\"", await bob.GetStringAsync("/notes"), StringComparison.Ordinal);

        // Past the proxy that ends TLS.
        using var admin = await SignedInAsync(site, "ada");
        Assert.Contains("\"/lab\"", await admin.GetStringAsync("/notes"), StringComparison.Ordinal);

        using var fired = await PostAsync(admin, "/lab", "main form", ("Strategy", "Site"), ("Requests", "20"), ("Tabs", "2"), ("Lost", "0"), ("Seed", "1"));
        var result = "";
        await Waiting.UntilAsync(async () => !(result = await admin.GetStringAsync(fired.Headers.Location)).Contains("http-equiv", StringComparison.Ordinal));
        Assert.Contains("Nobody was signed out.", result, StringComparison.Ordinal);
        Assert.Contains("row rotated", result, StringComparison.Ordinal);
        Assert.Equal(0, await site.StopAsync());
    }

    private static async Task<BuiltSite> MigratedAsync()
    {
        var migration = BuiltSite.Run("Production", [], "migrate");
        Assert.Equal(0, await migration.ExitAsync());
        return migration;
    }

    private static async Task<HttpClient> SignedInAsync(BuiltSite site, string name)
    {
        var client = await ClientAsync(site);
        using var answer = await PostAsync(client, "/login", "main form", ("Input.UserName", name), ("Input.Password", Person.Password));
        Assert.Equal("/notes", answer.Headers.Location?.OriginalString);
        return client;
    }

    private static async Task<HttpResponseMessage> PostAsync(HttpClient client, string path, string form, params (string Name, string Value)[] fields)
    {
        using var page = new HtmlParser().ParseDocument(await client.GetStringAsync(path));
        var token = page.QuerySelector($"{form} [name=__RequestVerificationToken]")!.GetAttribute("value")!;
        using var content = new FormUrlEncodedContent(
            fields.Append(("__RequestVerificationToken", token)).Select(field => KeyValuePair.Create(field.Item1, field.Item2)));
        return await client.PostAsync(path, content);
    }

    private static async Task<HttpClient> ClientAsync(BuiltSite site)
    {
        var client = new HttpClient(new SecureJar { InnerHandler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false } })
        {
            BaseAddress = await site.AddressAsync(),
        };
        client.DefaultRequestHeaders.Add("X-Forwarded-Proto", "https");
        return client;
    }

    /// <summary>A browser on the other side of a proxy that ends TLS: it keeps cookies that are for HTTPS alone.</summary>
    private sealed class SecureJar : DelegatingHandler
    {
        private readonly Dictionary<string, string> cookies = [];

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Headers.TryAddWithoutValidation("Cookie", string.Join("; ", cookies.Select(cookie => $"{cookie.Key}={cookie.Value}")));
            var answer = await base.SendAsync(request, cancellationToken);
            foreach (var cookie in answer.SetCookies())
            {
                cookies[cookie.Name.ToString()] = cookie.Value.ToString();
            }

            return answer;
        }
    }
}
