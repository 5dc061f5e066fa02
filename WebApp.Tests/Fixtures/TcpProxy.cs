using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace WebApp.Tests.Fixtures;

/// <summary>Who sends.</summary>
internal enum Side
{
    Client,
    Server,
}

/// <summary>
/// The network between the site and a server on a loopback port. It forwards, and can be held, cut, down, or cut to the byte:
/// before or after a piece of what one side sends to the other.
/// </summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<Link, Task> links = new();
    private readonly ConcurrentQueue<Trap> traps = new();
    private readonly int target;
    private readonly Task accepting;
    private volatile TaskCompletionSource? held;
    private volatile bool isDown;

    private TcpProxy(int target)
    {
        this.target = target;
        listener.Start();
        accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Connections that go through at this moment.</summary>
    public int Connections => links.Count;

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

    /// <summary>From now on nothing arrives and nobody is told, as with a cable pulled out.</summary>
    public void Hold() => held ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>All that was held arrives.</summary>
    public void Release()
    {
        var holding = held;
        held = null;
        holding?.SetResult();
    }

    /// <summary>Breaks all connections that there are.</summary>
    public void Cut()
    {
        foreach (var link in links.Keys)
        {
            link.Cut();
        }
    }

    /// <summary>
    /// Breaks the next connection on which one side sends this piece, which then does not arrive: from the client, a request
    /// that was never carried out; from the server, the lost answer to one that was. Completes when that has happened.
    /// </summary>
    public Task CutBeforeAsync(Side from, string piece) => Set(new Trap(from, Encoding.UTF8.GetBytes(piece), Forward: false));

    /// <summary>
    /// Breaks the next connection on which one side sends this piece, as soon as it was forwarded: from the client, a request of
    /// which nobody knows whether it was carried out. Completes when that has happened.
    /// </summary>
    public Task CutAfterAsync(Side from, string piece) => Set(new Trap(from, Encoding.UTF8.GetBytes(piece), Forward: true));

    public async ValueTask DisposeAsync()
    {
        listener.Stop();
        await accepting;
        Release();
        Cut();
        await Task.WhenAll(links.Values);
    }

    private Task Set(Trap trap)
    {
        traps.Enqueue(trap);
        return trap.Sprung.Task.InTime();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket client;
            try
            {
                client = await listener.AcceptSocketAsync();
            }
            catch (Exception stopped) when (stopped is SocketException or ObjectDisposedException)
            {
                return;
            }

            var link = new Link(client);
            if (isDown)
            {
                link.Cut();
                continue;
            }

            var registered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            links[link] = RunAsync(link, registered.Task);
            registered.SetResult();
        }
    }

    private async Task RunAsync(Link link, Task registered)
    {
        await registered;
        try
        {
            await link.ConnectAsync(target);
            await Task.WhenAll(
                PumpAsync(link, Side.Client, link.Client, link.Server), PumpAsync(link, Side.Server, link.Server, link.Client));
        }
        catch (Exception broken) when (broken is SocketException or ObjectDisposedException)
        {
            // Either side has gone, or the test has cut the connection: both ends learn of it.
        }
        finally
        {
            link.Cut();
            links.TryRemove(link, out _);
        }
    }

    private async Task PumpAsync(Link link, Side from, Socket source, Socket sink)
    {
        var buffer = new byte[64 * 1024];
        var tail = Array.Empty<byte>();
        try
        {
            int count;
            while ((count = await source.ReceiveAsync(buffer)) > 0)
            {
                if (held is { } holding)
                {
                    await holding.Task;
                }

                var arrived = buffer[..count];
                var sprung = traps.FirstOrDefault(trap => trap.From == from && trap.TrySpring(tail, arrived));
                tail = arrived;
                if (sprung is not { Forward: false })
                {
                    await sink.SendAsync(buffer.AsMemory(0, count));
                }

                if (sprung is not null)
                {
                    link.Cut();
                    sprung.Sprung.SetResult();
                    return;
                }
            }
        }
        finally
        {
            link.Cut();
        }
    }

    /// <summary>One connection of a client, and ours to the server for it.</summary>
    private sealed class Link(Socket client)
    {
        public Socket Client { get; } = client;

        public Socket Server { get; } = new(SocketType.Stream, ProtocolType.Tcp);

        public async Task ConnectAsync(int port)
        {
            Client.NoDelay = true;
            Server.NoDelay = true;
            await Server.ConnectAsync(IPAddress.Loopback, port);
        }

        /// <summary>The client meets a reset; the server may read to the end what was forwarded.</summary>
        public void Cut()
        {
            Client.Close(timeout: 0);
            Server.Close();
        }
    }

    /// <param name="From">Whose traffic is watched.</param>
    /// <param name="Piece">What springs it.</param>
    /// <param name="Forward">Whether the piece still arrives.</param>
    private sealed record Trap(Side From, byte[] Piece, bool Forward)
    {
        private int sprung;

        public TaskCompletionSource Sprung { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>A piece may arrive in two. One that is there in full in what arrived before is not this trap's.</summary>
        public bool TrySpring(byte[] before, byte[] arrived)
        {
            byte[] seen = [.. before.TakeLast(Piece.Length - 1), .. arrived];
            return seen.AsSpan().IndexOf(Piece) >= 0 && Interlocked.Exchange(ref sprung, 1) == 0;
        }
    }
}
