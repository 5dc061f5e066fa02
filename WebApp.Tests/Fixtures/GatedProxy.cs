using System.Net;
using System.Net.Sockets;
using System.Text;

namespace WebApp.Tests.Fixtures;

/// <summary>
/// The network between a node and a server, as a loopback port of its own. It forwards; it can hold the one piece of traffic that
/// a test names, cut what is connected, and refuse what would connect.
/// </summary>
internal sealed class GatedProxy : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource closing = new();
    private readonly List<Trap> traps = [];
    private readonly List<(Link Link, Task Ended)> links = [];
    private readonly int target;
    private readonly Task accepting;
    private volatile bool refuses;

    private GatedProxy(int target)
    {
        this.target = target;
        listener.Start();
        accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <param name="target">The loopback port of the server.</param>
    public static GatedProxy Start(int target) => new(target);

    /// <summary>The next question that holds this text waits on its way to the server, and so does all that its connection sends after it.</summary>
    /// <param name="part">What one write to the socket holds.</param>
    public Gate Hold(string part) => Set(part, answer: false);

    /// <summary>
    /// The next question that holds this text reaches the server, whose answer waits on its way back. When the gate is reached, the
    /// server has done what it was asked.
    /// </summary>
    /// <param name="part">What one write to the socket holds. The connection must ask one thing at a time.</param>
    public Gate HoldAnswer(string part) => Set(part, answer: true);

    /// <summary>Closes all connections; what is held is lost.</summary>
    public void Cut()
    {
        lock (links)
        {
            links.ForEach(each => each.Link.Cut());
        }
    }

    /// <summary>Closes all connections, and each new one at once.</summary>
    public void Refuse()
    {
        refuses = true;
        Cut();
    }

    public void Accept() => refuses = false;

    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync();
        await accepting;
        listener.Dispose();
        Cut();
        await Task.WhenAll(links.Select(each => each.Ended)).InTime();
        links.ForEach(each => each.Link.Dispose());
        closing.Dispose();
    }

    private Gate Set(string part, bool answer)
    {
        var trap = new Trap(Encoding.UTF8.GetBytes(part), answer, new Gate());
        lock (traps)
        {
            traps.Add(trap);
        }

        return trap.Gate;
    }

    /// <summary>The trap that was set for this traffic. It holds once.</summary>
    private Trap? Spring(ReadOnlySpan<byte> traffic)
    {
        lock (traps)
        {
            foreach (var trap in traps)
            {
                if (traffic.IndexOf(trap.Part) >= 0)
                {
                    traps.Remove(trap);
                    return trap;
                }
            }

            return null;
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptSocketAsync(closing.Token);
                if (refuses)
                {
                    client.Dispose();
                    continue;
                }

                var link = new Link(this, client);
                lock (links)
                {
                    links.Add((link, link.RunAsync()));
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private sealed record Trap(byte[] Part, bool Answer, Gate Gate);

    /// <summary>One connection.</summary>
    private sealed class Link(GatedProxy proxy, Socket client) : IDisposable
    {
        private readonly CancellationTokenSource cut = new();
        private Gate? answer;

        public void Cut() => cut.Cancel();

        public void Dispose() => cut.Dispose();

        public async Task RunAsync()
        {
            using var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            using (client)
            {
                client.NoDelay = true;
                try
                {
                    await server.ConnectAsync(IPAddress.Loopback, proxy.target, cut.Token);
                }
                catch (Exception away) when (IsEnd(away))
                {
                    // Nobody listens there: whoever connected here finds that out by the end of this connection.
                    return;
                }

                await Task.WhenAll(PumpAsync(client, server, HoldQuestionAsync), PumpAsync(server, client, HoldAnswerAsync));
            }
        }

        private async Task HoldQuestionAsync(ReadOnlyMemory<byte> traffic)
        {
            if (proxy.Spring(traffic.Span) is not { } trap)
            {
                return;
            }

            if (trap.Answer)
            {
                Volatile.Write(ref answer, trap.Gate);
                return;
            }

            await trap.Gate.PassAsync().WaitAsync(cut.Token);
        }

        private async Task HoldAnswerAsync(ReadOnlyMemory<byte> traffic)
        {
            if (Interlocked.Exchange(ref answer, null) is { } gate)
            {
                await gate.PassAsync().WaitAsync(cut.Token);
            }
        }

        private async Task PumpAsync(Socket from, Socket to, Func<ReadOnlyMemory<byte>, Task> hold)
        {
            var buffer = new byte[64 * 1024];
            try
            {
                // A stream of a connection that has ended already cannot even be made.
                await using var source = new NetworkStream(from);
                await using var sink = new NetworkStream(to);
                while (await ReadAsync(source, buffer) is > 0 and var length)
                {
                    await hold(buffer.AsMemory(0, length));
                    await sink.WriteAsync(buffer.AsMemory(0, length), cut.Token);
                }

                // What was sent before the end still counts: a statement of a process that was killed after it.
                to.Shutdown(SocketShutdown.Send);
            }
            catch (Exception end) when (IsEnd(end))
            {
                // It was cut, or nobody is there any more to be told.
                await cut.CancelAsync();
            }
        }

        /// <summary>A process that is killed ends its connections, in the one way or the other.</summary>
        private async Task<int> ReadAsync(NetworkStream source, byte[] buffer)
        {
            try
            {
                return await source.ReadAsync(buffer, cut.Token);
            }
            catch (IOException)
            {
                return 0;
            }
        }

        private static bool IsEnd(Exception exception) => exception is IOException or SocketException or OperationCanceledException;
    }
}
