using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using Microsoft.AspNetCore.Http;
using WebApp.Sessions;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Sessions;

/// <summary>A call as the person whose request is served is made once, and once more with a token that was renewed.</summary>
public sealed class UserAccessTokenHandlerTests
{
    private const string Body = """{"bread":"Grüße"}""";

    private static readonly ApiToken First = ApiToken.Of("first");
    private static readonly ApiToken Second = ApiToken.Of("second");

    [Fact]
    public async Task Outside_of_a_request_nobody_calls()
    {
        using var api = new StubApi();

        var none = await Assert.ThrowsAsync<InvalidOperationException>(() => CallAsync(context: null, api));
        var another = await Assert.ThrowsAsync<InvalidOperationException>(() => CallAsync(new DefaultHttpContext(), api));

        Assert.Equal("There is no session here: a call as the user is made while a request of his is served.", none.Message);
        Assert.Equal(none.Message, another.Message);
        Assert.Empty(api.Calls);
    }

    [Theory]
    [InlineData(HttpStatusCode.OK)]
    [InlineData(HttpStatusCode.NoContent)]
    [InlineData(HttpStatusCode.Found)]
    [InlineData(HttpStatusCode.BadRequest)]
    [InlineData(HttpStatusCode.Forbidden)]
    [InlineData(HttpStatusCode.NotFound)]
    [InlineData(HttpStatusCode.InternalServerError)]
    [InlineData(HttpStatusCode.ServiceUnavailable)]
    public async Task The_token_is_sent_and_any_answer_but_401_is_the_answer(HttpStatusCode status)
    {
        var session = new StubUserSession(First);
        using var api = new StubApi(status);

        using var answer = await CallAsync(session, api, new StringContent(Body), authorization: "Basic c29tZWJvZHk=");

        Assert.Equal(status, answer.StatusCode);
        Assert.Equal([("Bearer first", Body)], api.Calls);
        Assert.Equal([null], session.Asked);
        Assert.False(Assert.Single(api.Given).IsDisposed);
    }

    public static TheoryData<string> Repeatable => ["nothing", "text", "bytes", "JSON", "memory", "a form"];

    [Theory]
    [MemberData(nameof(Repeatable))]
    public async Task A_token_that_the_API_refuses_is_renewed_and_the_call_repeated_as_it_was(string content)
    {
        var session = new StubUserSession(First, Second);
        using var api = new StubApi(HttpStatusCode.Unauthorized, HttpStatusCode.OK);

        using var answer = await CallAsync(session, api, ContentOf(content));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal([null, "first"], session.Asked);
        Assert.Equal(["Bearer first", "Bearer second"], api.Calls.Select(call => call.Authorization));
        Assert.Equal(content == "nothing", string.IsNullOrEmpty(api.Calls[0].Body));
        Assert.Equal(api.Calls[0].Body, api.Calls[1].Body);
        Assert.Equal([true, false], api.Given.Select(given => given.IsDisposed));
    }

    public static TheoryData<string> Unrepeatable => ["a stream", "parts"];

    /// <summary>It has been read, and nobody kept it.</summary>
    [Theory]
    [MemberData(nameof(Unrepeatable))]
    public async Task What_cannot_be_sent_again_is_not_and_the_401_comes_back(string content)
    {
        var session = new StubUserSession(First);
        using var api = new StubApi(HttpStatusCode.Unauthorized);

        using var answer = await CallAsync(session, api, ContentOf(content));

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Same(Assert.Single(api.Given), answer.Content);
        Assert.Equal([null], session.Asked);
    }

    /// <summary>Without an upstream issuer the token is this site's own, and is not renewed early.</summary>
    [Fact]
    public async Task A_token_that_is_not_renewed_is_not_tried_again()
    {
        var session = new StubUserSession(First, ApiToken.Of("first"));
        using var api = new StubApi(HttpStatusCode.Unauthorized);

        using var answer = await CallAsync(session, api);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Same(Assert.Single(api.Given), answer.Content);
        Assert.False(api.Given[0].IsDisposed);
        Assert.Equal([null, "first"], session.Asked);
    }

    [Fact]
    public async Task A_second_401_is_the_answer()
    {
        var session = new StubUserSession(First, Second);
        using var api = new StubApi(HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized);

        using var answer = await CallAsync(session, api);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal(2, api.Calls.Count);
        Assert.Same(api.Given[1], answer.Content);
        Assert.Equal([null, "first"], session.Asked);
    }

    [Theory]
    [InlineData("Expired", "expired")]
    [InlineData("Revoked", "revoked")]
    [InlineData("UpstreamRefused", "upstream_refused")]
    public async Task A_session_that_is_over_is_answered_and_not_called_for(string refusal, string reason)
    {
        using var api = new StubApi();

        using var answer = await CallAsync(new StubUserSession(Over(refusal)), api);

        await AssertOverAsync(answer, reason);
        Assert.Empty(api.Calls);
    }

    [Fact]
    public async Task A_session_that_ends_with_the_renewal_is_answered_and_the_call_not_repeated()
    {
        var session = new StubUserSession(First, Over("UpstreamRefused"));
        using var api = new StubApi(HttpStatusCode.Unauthorized);

        using var answer = await CallAsync(session, api);

        await AssertOverAsync(answer, "upstream_refused");
        Assert.True(Assert.Single(api.Given).IsDisposed);
    }

    [Fact]
    public async Task A_session_that_cannot_be_judged_is_put_off_and_not_called_for()
    {
        using var api = new StubApi();

        using var answer = await CallAsync(new StubUserSession(ApiToken.Unavailable), api);

        await AssertPutOffAsync(answer);
        Assert.Empty(api.Calls);
    }

    [Fact]
    public async Task A_renewal_that_is_put_off_puts_the_call_off()
    {
        var session = new StubUserSession(First, ApiToken.Unavailable);
        using var api = new StubApi(HttpStatusCode.Unauthorized);

        using var answer = await CallAsync(session, api);

        await AssertPutOffAsync(answer);
        Assert.True(Assert.Single(api.Given).IsDisposed);
    }

    private static ApiToken Over(string refusal) => ApiToken.Refused(Enum.Parse<RefusalReason>(refusal));

    private static HttpContent? ContentOf(string kind) => kind switch
    {
        "nothing" => null,
        "text" => new StringContent(Body, Encoding.UTF8, "application/json"),
        "bytes" => new ByteArrayContent(Encoding.UTF8.GetBytes(Body)),
        "JSON" => JsonContent.Create(new { bread = "Grüße" }),
        "memory" => new ReadOnlyMemoryContent(Encoding.UTF8.GetBytes(Body)),
        "a form" => new FormUrlEncodedContent([KeyValuePair.Create("bread", "Grüße")]),
        "a stream" => new StreamContent(new MemoryStream(Encoding.UTF8.GetBytes(Body))),
        _ => new MultipartFormDataContent { { new StreamContent(new MemoryStream(Encoding.UTF8.GetBytes(Body))), "file", "bread.json" } },
    };

    private static Task<HttpResponseMessage> CallAsync(
        StubUserSession session, StubApi api, HttpContent? content = null, string? authorization = null)
    {
        var context = new DefaultHttpContext();
        context.Features.Set<IUserSession>(session);
        return CallAsync(context, api, content, authorization);
    }

    private static async Task<HttpResponseMessage> CallAsync(
        HttpContext? context, StubApi api, HttpContent? content = null, string? authorization = null)
    {
        var handler = new UserAccessTokenHandler(new HttpContextAccessor { HttpContext = context }) { InnerHandler = api };
        using var client = new HttpMessageInvoker(handler, disposeHandler: false);
        using var request = new HttpRequestMessage(HttpMethod.Post, "https://issuer.example/api/loaves/") { Content = content };
        request.Headers.Authorization = authorization is null ? null : AuthenticationHeaderValue.Parse(authorization);
        return await client.SendAsync(request, CancellationToken.None).InTime();
    }

    private static async Task AssertOverAsync(HttpResponseMessage answer, string reason)
    {
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal("Bearer realm=\"api\"", answer.Headers.WwwAuthenticate.ToString());
        Assert.Null(answer.Headers.RetryAfter);
        var body = await answer.JsonAsync();
        Assert.Equal(
            ("The session is over.", "token_not_valid", reason),
            (body.GetProperty("detail").GetString(), body.GetProperty("code").GetString(), body.GetProperty("reason").GetString()));
    }

    private static async Task AssertPutOffAsync(HttpResponseMessage answer)
    {
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(5), answer.Headers.RetryAfter?.Delta);
        Assert.Empty(answer.Headers.WwwAuthenticate);
        var body = await answer.JsonAsync();
        Assert.Equal("temporarily_unavailable", body.GetProperty("code").GetString());
        Assert.StartsWith("The session cannot be checked at the moment.", body.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }
}
