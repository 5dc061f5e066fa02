using System.Net;
using System.Text;
using System.Text.Json;
using WebApp.Tests.Fixtures;
using WebApp.Upstream;
using Xunit;

namespace WebApp.Tests.Upstream;

/// <summary>Where an issuer's keys are fetched, and how often they were.</summary>
internal sealed class StubKeySet : HttpMessageHandler, IHttpClientFactory
{
    public const string Address = "https://issuer.example/keys";

    private int fetched;

    public int Fetched => Volatile.Read(ref fetched);

    public IReadOnlyList<IssuerKey> Keys { get; set; } = [];

    /// <summary>Answers in place of the keys.</summary>
    public Func<HttpResponseMessage>? Instead { get; set; }

    /// <summary>Where a request waits.</summary>
    public Gate? Before { get; set; }

    public HttpClient CreateClient(string name)
    {
        Assert.Equal(UpstreamKeys.Client, name);
        return new HttpClient(this, disposeHandler: false);
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Assert.Equal((HttpMethod.Get, Address), (request.Method, request.RequestUri?.ToString()));
        Interlocked.Increment(ref fetched);
        await (Before?.PassAsync().WaitAsync(cancellationToken) ?? Task.CompletedTask);
        return Instead?.Invoke() ?? Answer(JsonSerializer.Serialize(new { keys = Keys.Select(key => key.Entry) }));
    }

    public static HttpResponseMessage Answer(string body) => new(HttpStatusCode.OK)
    {
        Content = new StringContent(body, Encoding.UTF8, "application/json"),
    };
}
