using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace WebApp.Tests.Fixtures;

/// <summary>
/// The network between the site and a server on a loopback port. It forwards, and reads along what clients send, which must be in
/// the clear; it can hold a piece of that or the answer to it, break, and be down.
/// </summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource closing = new();
    private readonly ConcurrentQueue<TcpLink> links = new();
    private readonly ConcurrentQueue<Trap> traps = new();
    private readonly ConcurrentQueue<string> sent = new();
    private readonly int target;
    private readonly Task accepting;
    private volatile bool isDown;

    private TcpProxy(int target)
    {
        this.target = target;
        listener.Start();
        accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Connections that go through at this moment.</summary>
    public int Connections => links.Count(link => !link.Ended.IsCompleted);

    /// <summary>What clients have sent so far, a reading at a time.</summary>
    public IReadOnlyList<string> Sent => [.. sent];

    /// <summary>Whether no connection goes through: those there are break, and new ones are closed at once.</summary>
    public bool IsDown
    {
        get => isDown;
        set
        {
            isDown = value;
            if (value)
            {
                Cut();
            }
        }
    }

    /// <param name="port">Where the server listens.</param>
    public static TcpProxy To(int port) => new(port);

    public void Forget() => sent.Clear();

    /// <summary>
    /// What clients send with this piece in it waits at the gate, and all that follows on its connection. Without a piece it is
    /// all they send: nothing arrives and nobody is told, as with a cable pulled out.
    /// </summary>
    public Gate Hold(string piece = "") => Set(piece, answer: false);

    /// <summary>
    /// What clients send with this piece in it arrives, and the answer waits at the gate. Whoever is there has done what it was
    /// asked. A connection must ask one thing at a time.
    /// </summary>
    public Gate HoldAnswer(string piece) => Set(piece, answer: true);

    /// <summary>Tells when clients send something with this piece in it, and stops nobody.</summary>
    public Gate Watch(string piece)
    {
        var gate = Hold(piece);
        gate.Open();
        return gate;
    }

    /// <summary>All that is held arrives, and nothing is held from now on.</summary>
    public void Release()
    {
        while (traps.TryDequeue(out var trap))
        {
            trap.Gate.Open();
        }
    }

    /// <summary>Breaks all connections that there are. What is held is lost, and nothing is held from now on.</summary>
    public void Cut()
    {
        foreach (var link in links)
        {
            link.Cut();
        }

        Release();
    }

    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync();
        await accepting;
        listener.Dispose();
        Cut();
        await Task.WhenAll(links.Select(link => link.Ended)).InTime();
        closing.Dispose();
    }

    private Gate Set(string piece, bool answer)
    {
        var trap = new Trap(piece, answer, new Gate());
        traps.Enqueue(trap);
        return trap.Gate;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var link = new TcpLink(await listener.AcceptSocketAsync(closing.Token));
                link.Ended = RunAsync(link);
                links.Enqueue(link);
                if (isDown)
                {
                    link.Cut();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private async Task RunAsync(TcpLink link)
    {
        using var ending = link;
        try
        {
            await link.ConnectAsync(target);
            var asking = PumpAsync(link.Client, link.Server, traffic => AskAsync(link, traffic));
            var answering = PumpAsync(link.Server, link.Client, _ => link.AnswerAsync());
            if (await Task.WhenAny(asking, answering) is { IsFaulted: true })
            {
                link.Cut();
            }

            await Task.WhenAll(asking, answering);
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException or TimeoutException)
        {
            // One side has gone, the test has cut the connection, or it has left a gate closed: both sides learn of it.
            link.Cut();
        }
    }

    private async Task AskAsync(TcpLink link, string traffic)
    {
        sent.Enqueue(traffic);
        var (before, text) = (link.Before.Length, link.Before + traffic);
        link.Before = traffic;
        foreach (var trap in traps.Where(trap => trap.IsIn(text, before)))
        {
            if (trap.Answer)
            {
                link.Awaited = trap.Gate;
            }
            else
            {
                await trap.Gate.PassAsync();
            }
        }
    }

    private static async Task PumpAsync(Socket from, Socket to, Func<string, Task> passAsync)
    {
        var buffer = new byte[64 * 1024];
        while (await ReceiveAsync(from, buffer) is > 0 and var count)
        {
            await passAsync(Encoding.Latin1.GetString(buffer, 0, count));
            await to.SendAsync(buffer.AsMemory(0, count));
        }

        // What was sent before the end still counts: a statement of a process that was killed after it.
        to.Shutdown(SocketShutdown.Send);
    }

    private static async Task<int> ReceiveAsync(Socket from, byte[] buffer)
    {
        try
        {
            return await from.ReceiveAsync(buffer);
        }
        catch (SocketException)
        {
            // A process that is killed ends its connections in the one way or the other.
            return 0;
        }
    }

    /// <param name="Piece">What springs it, each time.</param>
    /// <param name="Answer">Whether it holds the answer, and not the piece.</param>
    private sealed record Trap(string Piece, bool Answer, Gate Gate)
    {
        /// <summary>A piece may arrive in two readings. One that was there in full before has sprung it already.</summary>
        public bool IsIn(string text, int before) =>
            text.IndexOf(Piece, Math.Max(0, before - Piece.Length + 1), StringComparison.Ordinal) >= 0;
    }
}
