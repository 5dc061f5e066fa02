using System.Net;
using System.Net.Sockets;

namespace WebApp.Tests.Fixtures;

/// <summary>One connection of a client to a <see cref="TcpProxy"/>, and the proxy's to the server for it.</summary>
internal sealed class TcpLink(Socket client) : IDisposable
{
    private Gate? awaited;

    public Socket Client { get; } = client;

    public Socket Server { get; } = new(SocketType.Stream, ProtocolType.Tcp);

    public Task Ended { get; set; } = Task.CompletedTask;

    /// <summary>The client's last reading.</summary>
    public string Before { get; set; } = "";

    /// <summary>Where the next answer waits.</summary>
    public Gate? Awaited
    {
        set => Volatile.Write(ref awaited, value);
    }

    public Task ConnectAsync(int port)
    {
        // Or small messages would wait for each other, 40 ms at a time.
        Client.NoDelay = true;
        Server.NoDelay = true;
        return Server.ConnectAsync(IPAddress.Loopback, port);
    }

    public Task AnswerAsync() => Interlocked.Exchange(ref awaited, null)?.PassAsync() ?? Task.CompletedTask;

    /// <summary>At once and for both: the client meets a reset.</summary>
    public void Cut()
    {
        Client.Close(timeout: 0);
        Server.Close();
    }

    public void Dispose()
    {
        Client.Dispose();
        Server.Dispose();
    }
}
