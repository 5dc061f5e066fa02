using System.Net;
using System.Net.Http.Json;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.SimpleJwt;

/// <summary>That the Django of the tests does what other tests rely on, its trouble included.</summary>
public sealed class DjangoServerTests(ITestOutputHelper output, SharedPostgres postgres)
{
    private const string Me = "/api/me/";
    private const string Refresh = "/api/token/refresh/";

    [Fact]
    public async Task It_serves_counts_dies_stands_still_and_comes_back()
    {
        var began = The.WallClock.GetTimestamp();
        await using var django = await DjangoServer.StartAsync(postgres);
        output.WriteLine($"first start: {The.WallClock.GetElapsedTime(began).TotalSeconds:0.0} s");
        var ada = await django.SignInAsync(DjangoUser.Ada);
        using var client = django.Client();
        Assert.Equal("ada", await NameAsync(client, ada));

        began = The.WallClock.GetTimestamp();
        await django.RestartAsync();
        output.WriteLine($"restart: {The.WallClock.GetElapsedTime(began).TotalSeconds:0.0} s");
        Assert.Equal("ada", await NameAsync(client, ada));

        await django.FreezeAsync();
        var asking = NameAsync(client, ada);
        Assert.False(asking.IsCompleted);
        await django.ThawAsync();
        Assert.Equal("ada", await asking.InTime());
        Assert.Equal(3, django.Arrived(Me));
        Assert.Equal([200, 200, 200], django.Answered(Me));

        began = The.WallClock.GetTimestamp();
        await using (await DjangoServer.StartAsync(postgres))
        {
            output.WriteLine($"another start: {The.WallClock.GetElapsedTime(began).TotalSeconds:0.0} s");
        }

        began = The.WallClock.GetTimestamp();
        await django.KillAsync();
        output.WriteLine($"kill: {The.WallClock.GetElapsedTime(began).TotalSeconds:0.0} s");
        await Assert.ThrowsAsync<HttpRequestException>(() => NameAsync(client, ada));
    }

    [Fact]
    public async Task It_echoes_and_streams()
    {
        await using var django = await DjangoServer.StartAsync(postgres);
        var ada = await django.SignInAsync(DjangoUser.Ada);
        using var client = django.Client();
        client.DefaultRequestHeaders.Authorization = new("Bearer", ada.Access);
        client.DefaultRequestHeaders.Add("X-Something", "of note");
        using var echo = await client.PutAsync("/api/echo/?a=b", new ByteArrayContent(new byte[300_000]));
        var said = await echo.JsonAsync();
        Assert.Equal("PUT", said.GetProperty("method").GetString());
        Assert.Equal("/api/echo/?a=b", said.GetProperty("path").GetString());
        Assert.Equal("of note", said.GetProperty("headers").GetProperty("X-Something").GetString());
        Assert.Equal(300_000, said.GetProperty("length").GetInt32());

        Assert.Equal("piece 0\npiece 1\npiece 2\n", await client.GetStringAsync("/api/echo/?pieces=3&pause=0.01"));
        using var endless = await client.GetAsync("/api/echo/?pieces=2&pause=0.01", HttpCompletionOption.ResponseHeadersRead);
        Assert.True(endless.Headers.TransferEncodingChunked);
    }

    [Fact]
    public async Task It_makes_the_trouble_that_is_ordered_and_no_other()
    {
        await using var django = await DjangoServer.StartAsync(postgres);
        using var client = django.Client();

        // Answered in place of the work: the token is as good as before.
        var ada = await django.SignInAsync(DjangoUser.Ada);
        await django.OrderAsync(new DjangoTrouble(Refresh) { Times = 1, Instead = DjangoAnswer.Error });
        Assert.Equal(HttpStatusCode.InternalServerError, await RefreshAsync(client, ada));
        Assert.Equal(HttpStatusCode.OK, await RefreshAsync(client, ada));
        Assert.Equal(HttpStatusCode.Unauthorized, await RefreshAsync(client, ada));

        // Answered although the work is done: it is spent.
        ada = await django.SignInAsync(DjangoUser.Ada);
        await django.OrderAsync(new DjangoTrouble(Refresh) { Times = 1, Afterwards = DjangoAnswer.Html(200) });
        using (var html = await SendAsync(client, ada))
        {
            Assert.Equal("text/html", html.Content.Headers.ContentType!.MediaType);
        }

        Assert.Equal(HttpStatusCode.Unauthorized, await RefreshAsync(client, ada));

        foreach (var cut in new[] { DjangoCut.Unanswered, DjangoCut.Halfway })
        {
            ada = await django.SignInAsync(DjangoUser.Ada);
            await django.OrderAsync(new DjangoTrouble(Refresh) { Times = 1, Cut = cut });
            await Assert.ThrowsAsync<HttpRequestException>(() => RefreshAsync(client, ada));
            Assert.Equal(HttpStatusCode.Unauthorized, await RefreshAsync(client, ada));
            Assert.True(Assert.Single(await django.Database.TokensOfAsync(DjangoUser.Ada), token => token.Text == ada.Refresh).Blacklisted);
        }

        await django.OrderAsync(new DjangoTrouble(Me) { Instead = DjangoAnswer.Redirect("/elsewhere") });
        using (var redirect = await client.GetAsync(Me))
        {
            Assert.Equal("/elsewhere", redirect.Headers.Location!.OriginalString);
        }

        // Held once done: the log tells when it has come, and it goes on when nothing is ordered any more.
        ada = await django.SignInAsync(DjangoUser.Ada);
        var arrived = django.Arrived(Refresh);
        await django.OrderAsync(new DjangoTrouble(Refresh) { Hold = DjangoHold.After, SecondsBefore = 0.01, SecondsAfter = 0.01 });
        var held = RefreshAsync(client, ada);
        await django.ArrivedAsync(Refresh, arrived + 1);
        Assert.False(held.IsCompleted);
        await django.OrderAsync();
        Assert.Equal(HttpStatusCode.OK, await held.InTime());
    }

    /// <summary>Which is how <c>HttpClient</c> sends JSON unless it is told otherwise.</summary>
    [Fact]
    public async Task It_sees_nothing_of_a_body_without_a_length()
    {
        await using var django = await DjangoServer.StartAsync(postgres);
        using var client = django.Client();
        using var answer = await client.PostAsJsonAsync(Refresh, new { refresh = (await django.SignInAsync(DjangoUser.Ada)).Refresh });
        Assert.Equal("""{"refresh":["This field is required."]}""", await answer.Content.ReadAsStringAsync());
    }

    private static async Task<string?> NameAsync(HttpClient client, CookiePair pair)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Me);
        request.Headers.Authorization = new("Bearer", pair.Access);
        using var answer = await client.SendAsync(request);
        return (await answer.EnsureSuccessStatusCode().JsonAsync()).GetProperty("name").GetString();
    }

    private static Task<HttpResponseMessage> SendAsync(HttpClient client, CookiePair pair) =>
        client.PostAsync(Refresh, DjangoServer.Body(new { refresh = pair.Refresh }));

    private static async Task<HttpStatusCode> RefreshAsync(HttpClient client, CookiePair pair)
    {
        using var answer = await SendAsync(client, pair);
        return answer.StatusCode;
    }
}
