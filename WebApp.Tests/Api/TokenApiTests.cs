using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Api;

/// <summary>Sessions of programs, on the paths and in the words of Simple JWT (contract, "Simple JWT's wire contract").</summary>
public sealed class TokenApiTests : IDisposable
{
    private readonly Site site = Site.Start();
    private readonly HttpClient client;

    public TokenApiTests() => client = site.CreateClient();

    [Theory]
    [InlineData("/api/token/")]
    [InlineData("/api/token")]
    public async Task A_name_and_a_password_are_traded_for_a_pair(string path)
    {
        var answer = await client.PostAsJsonAsync(path, new { username = "ada", password = "Correct-Horse-1" });

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("no-store", $"{answer.Headers.CacheControl}");
        Assert.Empty(answer.SetCookies());
        Assert.Equal(["refresh", "access"], (await answer.JsonAsync()).EnumerateObject().Select(member => member.Name));
    }

    [Fact]
    public async Task A_program_that_was_written_for_Simple_JWT_finds_its_way()
    {
        var (access, refresh) = await ObtainAsync();
        Assert.Equal("ada", (await (await MeAsync(access)).JsonAsync()).GetProperty("name").GetString());

        site.ExpireAccessTokens();
        var expired = await MeAsync(access);
        Assert.Equal(HttpStatusCode.Unauthorized, expired.StatusCode);
        var body = await expired.JsonAsync();
        Assert.Equal("Given token not valid for any token type", body.GetProperty("detail").GetString());
        Assert.Equal("token_not_valid", body.GetProperty("code").GetString());
        Assert.Equal("Token is expired", body.GetProperty("messages")[0].GetProperty("message").GetString());

        var renewed = await PostAsync("/api/token/refresh/", new { refresh });
        Assert.Equal(HttpStatusCode.OK, renewed.StatusCode);
        var next = await renewed.JsonAsync();
        Assert.Equal(["access", "refresh"], next.EnumerateObject().Select(member => member.Name));
        Assert.Equal(HttpStatusCode.OK, (await MeAsync(Text(next, "access"))).StatusCode);

        Assert.Equal("{}", await BodyAsync("/api/token/blacklist/", new { refresh = Text(next, "refresh") }));
        await RefusedAsync("Token is blacklisted", "/api/token/blacklist/", new { refresh = Text(next, "refresh") });
        await RefusedAsync("Token is blacklisted", "/api/token/refresh/", new { refresh = Text(next, "refresh") });
        Assert.Equal(HttpStatusCode.Unauthorized, (await MeAsync(Text(next, "access"))).StatusCode);
    }

    /// <summary>Scenario 1, for a program.</summary>
    [Fact]
    public async Task Three_hundred_parallel_refreshes_of_one_token_rotate_once_and_get_one_successor()
    {
        var (_, refresh) = await ObtainAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(_ => PostAsync("/api/token/refresh/", new { refresh })));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        Assert.Equal(1, (await site.TheSessionAsync()).Generation);
    }

    /// <summary>Protocol, "Seen": for a program the proof is a call with the access token, and then the window runs.</summary>
    [Fact]
    public async Task A_spent_token_is_good_until_a_window_after_its_successor_was_used()
    {
        var (_, refresh) = await ObtainAsync();
        var successor = await (await PostAsync("/api/token/refresh/", new { refresh })).JsonAsync();
        site.Time.Advance(TimeSpan.FromMinutes(4));
        Assert.Equal(HttpStatusCode.OK, (await PostAsync("/api/token/refresh/", new { refresh })).StatusCode);
        Assert.Equal("{}", await BodyAsync("/api/token/verify/", new { token = refresh }));

        var seen = site.Database.ExecutedAsync("SET \"SeenAt\"", 1);
        await MeAsync(Text(successor, "access"));
        await seen;
        site.Time.Advance(Site.ReplayWindow + TimeSpan.FromSeconds(1));

        await RefusedAsync("Token is blacklisted", "/api/token/refresh/", new { refresh });
        Assert.Equal("reuse", (await site.TheSessionAsync()).RevokedReason);
    }

    [Fact]
    public async Task A_token_of_a_session_of_cookies_is_no_token_for_a_body_and_its_session_lives()
    {
        var visitor = await Visitor.SignedInAsync(site);

        await RefusedAsync("Token is invalid", "/api/token/refresh/", new { refresh = visitor.Pair.Refresh });
        await RefusedAsync("Token is invalid", "/api/token/blacklist/", new { refresh = visitor.Pair.Refresh });

        Assert.Null((await site.TheSessionAsync()).RevokedAt);
    }

    /// <summary>The server itself may make such a call, in the browser's name.</summary>
    [Fact]
    public async Task A_bearer_call_with_the_access_token_of_a_session_of_cookies_proves_nothing()
    {
        var visitor = await Visitor.SignedInAsync(site);
        var written = site.Database.ExecutedAsync("SET \"SeenAt\"", 1);

        Assert.Equal(HttpStatusCode.OK, (await MeAsync(visitor.Pair.Access!)).StatusCode);

        await written;
        Assert.Null((await site.TheSessionAsync()).SeenAt);
    }

    [Fact]
    public async Task Cookies_beside_a_bearer_token_say_nothing()
    {
        var visitor = await Visitor.SignedInAsync(site);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/me");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "garbage");
        request.Headers.Add("Cookie", $"access_token={visitor.Pair.Access}; refresh_token={Uri.EscapeDataString(visitor.Pair.Refresh!)}");

        Assert.Equal(HttpStatusCode.Unauthorized, (await client.SendAsync(request)).StatusCode);
    }

    [Fact]
    public async Task A_refresh_token_is_no_bearer_token_and_an_access_token_no_refresh_token()
    {
        var (access, refresh) = await ObtainAsync();

        var body = await (await MeAsync(refresh)).JsonAsync();
        Assert.Equal("Token has wrong type", body.GetProperty("messages")[0].GetProperty("message").GetString());
        await RefusedAsync("Token has wrong type", "/api/token/refresh/", new { refresh = access });
        await RefusedAsync("Token has wrong type", "/api/token/blacklist/", new { refresh = access });
    }

    [Fact]
    public async Task Verify_tells_good_from_expired_from_blacklisted_from_garbage()
    {
        var (access, refresh) = await ObtainAsync();
        Assert.Equal("{}", await BodyAsync("/api/token/verify/", new { token = access }));
        Assert.Equal("{}", await BodyAsync("/api/token/verify/", new { token = refresh }));
        await RefusedAsync("Token is invalid", "/api/token/verify/", new { token = "garbage" });

        site.ExpireAccessTokens();
        await RefusedAsync("Token is expired", "/api/token/verify/", new { token = access });

        await BodyAsync("/api/token/blacklist/", new { refresh });
        var answer = await PostAsync("/api/token/verify/", new { token = refresh });
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("""{"non_field_errors":["Token is blacklisted"]}""", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_wrong_password_an_unknown_name_and_a_disabled_account_are_told_alike()
    {
        await site.InDatabaseAsync(async db =>
        {
            db.Users.Single(user => user.UserName == "bob").Disabled = true;
            return await db.SaveChangesAsync();
        });

        foreach (var (username, password) in new[] { ("ada", "wrong"), ("nobody", "wrong"), ("bob", "Correct-Horse-2") })
        {
            var answer = await PostAsync("/api/token/", new { username, password });
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
            Assert.Equal("Bearer realm=\"api\"", answer.Headers.WwwAuthenticate.ToString());
            Assert.Equal("No active account found with the given credentials", Text(await answer.JsonAsync(), "detail"));
        }
    }

    [Theory]
    [InlineData("", """{"username":["This field is required."],"password":["This field is required."]}""")]
    [InlineData("null", """{"non_field_errors":["No data provided"]}""")]
    [InlineData("""{}""", """{"username":["This field is required."],"password":["This field is required."]}""")]
    [InlineData("""{"username":"","password":null}""", """{"username":["This field may not be blank."],"password":["This field may not be null."]}""")]
    [InlineData("""{"username":["ada"],"password":"x"}""", """{"username":["Not a valid string."]}""")]
    [InlineData("""{"username":"ada","password":"x","scope":"all"}""", """{"scope":["There is no such field."]}""")]
    [InlineData("""["ada"]""", """{"non_field_errors":["Invalid data. Expected a dictionary, but got list."]}""")]
    public async Task What_is_wrong_with_a_body_is_said_field_by_field(string body, string complaint)
    {
        var answer = await SendAsync(body);

        Assert.Equal((HttpStatusCode.BadRequest, complaint), (answer.StatusCode, await answer.Content.ReadAsStringAsync()));
    }

    [Theory]
    [InlineData("""{"username":"ada",""", "application/json", HttpStatusCode.BadRequest)]
    [InlineData("""{"username":"ada","username":"bob","password":"x"}""", "application/json", HttpStatusCode.BadRequest)]
    [InlineData("""username=ada&password=x""", "application/x-www-form-urlencoded", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("""{"username":"ada","password":"x"}""", "text/plain", HttpStatusCode.UnsupportedMediaType)]
    public async Task What_cannot_be_read_is_a_clear_complaint(string body, string type, HttpStatusCode status)
    {
        var answer = await SendAsync(body, type);

        Assert.Equal(status, answer.StatusCode);
        Assert.NotEmpty(Text(await answer.JsonAsync(), "detail"));
    }

    [Fact]
    public async Task A_body_that_is_too_large_is_not_read()
    {
        var answer = await SendAsync($$"""{"username":"{{new string('a', 20_000)}}","password":"x"}""");

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
    }

    [Fact]
    public async Task The_database_being_away_refuses_nobody()
    {
        var (_, refresh) = await ObtainAsync();
        site.Database.FailBefore(DatabaseProbe.Rotation, times: 10);

        var answer = await PostAsync("/api/token/refresh/", new { refresh });

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal("temporarily_unavailable", Text(await answer.JsonAsync(), "code"));
        Assert.NotNull(answer.Headers.RetryAfter);
    }

    [Fact]
    public async Task The_reference_of_the_API_names_every_path()
    {
        var document = await (await client.GetAsync("/openapi/v1.json")).JsonAsync();

        Assert.Superset(
            new HashSet<string> { "/api/token", "/api/token/refresh", "/api/token/verify", "/api/token/blacklist", "/api/me", "/api/auth/token/refresh" },
            document.GetProperty("paths").EnumerateObject().Select(path => path.Name.TrimEnd('/')).ToHashSet());
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/scalar/")).StatusCode);
    }

    public void Dispose()
    {
        client.Dispose();
        site.Dispose();
    }

    private async Task<(string Access, string Refresh)> ObtainAsync()
    {
        var pair = await (await PostAsync("/api/token/", new { username = "ada", password = "Correct-Horse-1" })).JsonAsync();
        return (Text(pair, "access"), Text(pair, "refresh"));
    }

    private Task<HttpResponseMessage> PostAsync(string path, object body) => client.PostAsJsonAsync(path, body);

    private async Task<string> BodyAsync(string path, object body)
    {
        var answer = await PostAsync(path, body);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadAsStringAsync();
    }

    private async Task RefusedAsync(string detail, string path, object body)
    {
        var answer = await PostAsync(path, body);
        var told = await answer.JsonAsync();
        Assert.Equal((HttpStatusCode.Unauthorized, detail, "token_not_valid"), (answer.StatusCode, Text(told, "detail"), Text(told, "code")));
    }

    private async Task<HttpResponseMessage> MeAsync(string bearer)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/me");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        return await client.SendAsync(request);
    }

    private async Task<HttpResponseMessage> SendAsync(string body, string type = "application/json")
    {
        using var content = new StringContent(body, Encoding.UTF8, type);
        return await client.PostAsync("/api/token/", content);
    }

    private static string Text(JsonElement body, string name) => body.GetProperty(name).GetString()!;
}
