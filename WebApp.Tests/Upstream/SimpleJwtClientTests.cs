using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Polly.Timeout;
using WebApp.Tests.Fixtures;
using WebApp.Upstream.SimpleJwt;
using Xunit;

namespace WebApp.Tests.Upstream;

/// <summary>Whatever a server does, it has refused nothing unless it says so.</summary>
public sealed class SimpleJwtClientTests
{
    [Fact]
    public async Task What_is_sent_tells_its_length()
    {
        using var server = new StubServer(() => Answer(HttpStatusCode.OK, """{"access":"a"}"""));

        var reply = await server.PostAsync();

        Assert.Equal((SimpleJwtReplyKind.Granted, "a"), (reply.Kind, reply.Text("access")));
        Assert.Equal(("https://issuer.example/auth/api/token/", """{"username":"ada"}"""), (server.Asked, server.Body));
        Assert.Equal(("application/json", 18L), (server.Headers?.ContentType?.ToString(), server.Headers?.ContentLength));
    }

    [Fact]
    public async Task A_refusal_is_a_refusal()
    {
        using var server = new StubServer(() => Answer(HttpStatusCode.Unauthorized, """{"code":"token_not_valid"}"""));

        Assert.Equal(SimpleJwtReplyKind.Refused, (await server.PostAsync()).Kind);
    }

    [Theory]
    [InlineData("away")]
    [InlineData("late")]
    [InlineData("given up")]
    [InlineData("an unknown charset")]
    public async Task A_server_in_trouble_has_said_nothing(string trouble)
    {
        using var server = new StubServer(() => trouble switch
        {
            "away" => throw new HttpRequestException("Nobody listens there."),
            "late" => throw new TaskCanceledException("It took too long."),
            "given up" => throw new TimeoutRejectedException("It took too long."),
            _ => Answer(HttpStatusCode.Unauthorized, "<p>Please wait</p>", "text/html", "nonsense"),
        });

        Assert.Equal(SimpleJwtReplyKind.Unavailable, (await server.PostAsync()).Kind);
    }

    [Fact]
    public async Task Whoever_has_given_up_is_not_answered()
    {
        using var patience = new CancellationTokenSource();
        using var server = new StubServer(() =>
        {
            patience.Cancel();
            throw new TaskCanceledException("Nobody waits.");
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => server.PostAsync(patience.Token));
    }

    private static HttpResponseMessage Answer(
        HttpStatusCode status, string body, string type = "application/json", string charset = "utf-8") => new(status)
        {
            Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body))
            {
                Headers = { ContentType = new MediaTypeHeaderValue(type, charset) },
            },
        };

    /// <summary>Answers as it is told, and writes down what it was asked.</summary>
    private sealed class StubServer(Func<HttpResponseMessage> answer) : HttpMessageHandler
    {
        public string? Asked { get; private set; }

        public string? Body { get; private set; }

        public HttpContentHeaders? Headers { get; private set; }

        public async Task<SimpleJwtReply> PostAsync(CancellationToken cancellation = default)
        {
            using var http = new HttpClient(this, disposeHandler: false) { BaseAddress = new Uri("https://issuer.example/auth/") };
            return await new SimpleJwtClient(http).PostAsync("api/token/", new() { ["username"] = "ada" }, cancellation).InTime();
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Asked = request.RequestUri?.ToString();
            Headers = request.Content?.Headers;
            Body = await request.Content!.ReadAsStringAsync(cancellationToken);
            return answer();
        }
    }
}
