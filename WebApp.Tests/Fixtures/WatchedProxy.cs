using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace WebApp.Tests.Fixtures;

/// <summary>
/// A way to a server on this machine that a test can hold, cut and close. It reads along what clients send, which must be in
/// clear text (<c>SSL Mode=Disable</c>).
/// </summary>
internal sealed class WatchedProxy : IAsyncDisposable
{
    /// <summary>More than one message of the site, so that no text of interest lies in two readings.</summary>
    private const int BufferSize = 65536;

    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly int server;
    private readonly CancellationTokenSource ending = new();
    private readonly ConcurrentDictionary<Link, Task> links = new();
    private readonly ConcurrentDictionary<string, Gate> holds = new();
    private readonly ConcurrentQueue<string> sent = new();
    private readonly Task accepting;

    private WatchedProxy(int server)
    {
        this.server = server;
        listener.Start();
        accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Whether every connection is closed as soon as it is opened.</summary>
    public bool Refuses { get; set; }

    /// <summary>What clients have sent so far, a reading at a time.</summary>
    public IReadOnlyList<string> Sent => [.. sent];

    /// <param name="server">The port on this machine that it leads to.</param>
    public static WatchedProxy Before(int server) => new(server);

    public void Forget() => sent.Clear();

    /// <summary>From now on, traffic to the server that holds this text waits at the gate, and what follows on its connection too.</summary>
    public Gate Hold(string part) => holds[part] = new Gate();

    /// <summary>Closes every connection. What was held is lost.</summary>
    public void Cut()
    {
        foreach (var link in links.Keys)
        {
            link.Dispose();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        listener.Stop();
        await accepting.InTime();
        Cut();
        await Task.WhenAll(links.Values).InTime();
        ending.Dispose();
    }

    private static bool IsEnd(Exception exception) =>
        exception is IOException or SocketException or ObjectDisposedException or OperationCanceledException;

    private async Task AcceptAsync()
    {
        while (!ending.IsCancellationRequested)
        {
            try
            {
                var link = new Link(await listener.AcceptTcpClientAsync(ending.Token));

                // Or small messages would wait for each other, 40 ms at a time.
                link.Client.NoDelay = true;
                links[link] = ServeAsync(link);
            }
            catch (Exception end) when (IsEnd(end))
            {
                // Either the proxy ends, or a client has left before it was served.
            }
        }
    }

    private async Task ServeAsync(Link link)
    {
        await Task.Yield();
        using (link)
        {
            try
            {
                if (!Refuses)
                {
                    await link.Server.ConnectAsync(IPAddress.Loopback, server, link.Cut);
                    await Task.WhenAny(ForwardAsync(link), ReturnAsync(link));
                }
            }
            catch (Exception end) when (IsEnd(end))
            {
                // The server is away: the client finds its connection closed.
            }
        }

        links.TryRemove(link, out _);
    }

    private async Task ForwardAsync(Link link)
    {
        try
        {
            var buffer = new byte[BufferSize];
            var (from, to) = (link.Client.GetStream(), link.Server.GetStream());
            while (await from.ReadAsync(buffer, link.Cut) is > 0 and var read)
            {
                var text = Encoding.Latin1.GetString(buffer, 0, read);
                sent.Enqueue(text);
                foreach (var (part, gate) in holds)
                {
                    if (text.Contains(part, StringComparison.Ordinal))
                    {
                        await gate.PassAsync().WaitAsync(link.Cut);
                    }
                }

                await to.WriteAsync(buffer.AsMemory(0, read), link.Cut);
            }
        }
        catch (Exception end) when (IsEnd(end))
        {
            // One side has closed the connection, or it was cut.
        }
    }

    private static async Task ReturnAsync(Link link)
    {
        try
        {
            await link.Server.GetStream().CopyToAsync(link.Client.GetStream(), link.Cut);
        }
        catch (Exception end) when (IsEnd(end))
        {
            // One side has closed the connection, or it was cut.
        }
    }

    /// <summary>One connection from a client, and the one from here to the server.</summary>
    private sealed class Link(TcpClient client) : IDisposable
    {
        private readonly CancellationTokenSource cut = new();
        private int disposed;

        public TcpClient Client { get; } = client;

        public TcpClient Server { get; } = new() { NoDelay = true };

        public CancellationToken Cut => cut.Token;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref disposed, 1) == 0)
            {
                cut.Cancel();
                Client.Dispose();
                Server.Dispose();
            }
        }
    }
}
