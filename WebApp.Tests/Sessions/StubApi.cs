using System.Net;

namespace WebApp.Tests.Sessions;

/// <summary>An API that gives these answers, one after the other, and writes down what it was asked.</summary>
internal sealed class StubApi(params HttpStatusCode[] answers) : HttpMessageHandler
{
    private readonly Queue<HttpStatusCode> answers = new(answers);

    /// <summary>The header <c>Authorization</c> of each call, and its body.</summary>
    public List<(string? Authorization, string? Body)> Calls { get; } = [];

    public List<WatchedContent> Given { get; } = [];

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var body = request.Content is { } content ? await content.ReadAsStringAsync(cancellationToken) : null;
        Calls.Add((request.Headers.Authorization?.ToString(), body));
        Given.Add(new WatchedContent());
        return new HttpResponseMessage(answers.Dequeue()) { Content = Given[^1] };
    }

    /// <summary>Tells whether it was given back, and its connection with it.</summary>
    internal sealed class WatchedContent() : ByteArrayContent([])
    {
        public bool IsDisposed { get; private set; }

        protected override void Dispose(bool disposing)
        {
            IsDisposed = true;
            base.Dispose(disposing);
        }
    }
}
