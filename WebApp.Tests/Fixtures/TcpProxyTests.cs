using System.Net;
using System.Net.Sockets;
using System.Text;
using Xunit;

namespace WebApp.Tests.Fixtures;

/// <summary>What tests lean on and only luck would show them: a piece in two readings, and a client that ends.</summary>
public sealed class TcpProxyTests : IAsyncLifetime
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly Socket client = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private Socket server = null!;
    private TcpProxy network = null!;

    public async ValueTask InitializeAsync()
    {
        listener.Start();
        network = TcpProxy.To(((IPEndPoint)listener.LocalEndpoint).Port);
        await client.ConnectAsync(IPAddress.Loopback, network.Port);
        server = await listener.AcceptSocketAsync().InTime();
    }

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        server.Dispose();
        await network.DisposeAsync();
        listener.Dispose();
    }

    [Fact]
    public async Task A_piece_that_arrives_in_two_readings_is_held_and_what_follows_it_is_another()
    {
        var held = network.Hold("rotate");
        await SendAsync(client, "please ro");
        Assert.Equal("please ro", await ReceiveAsync(server, 9));

        await SendAsync(client, "tate");
        await held.Arrived;
        held.Open();
        Assert.Equal("tate", await ReceiveAsync(server, 4));

        await SendAsync(client, "rotate");
        Assert.Equal("rotate", await ReceiveAsync(server, 6));
        await SendAsync(client, "!");
        Assert.Equal("!", await ReceiveAsync(server, 1));
        Assert.Equal(2, held.Count);
    }

    [Fact]
    public async Task What_a_client_has_sent_before_its_end_arrives_and_is_answered()
    {
        var held = network.Hold("rotate");
        await SendAsync(client, "rotate");
        client.Shutdown(SocketShutdown.Send);
        await held.Arrived;
        held.Open();

        // The piece, and the end.
        Assert.Equal("rotate", await ReceiveAsync(server, 7));
        await SendAsync(server, "done");
        server.Shutdown(SocketShutdown.Send);
        Assert.Equal("done", await ReceiveAsync(client, 5));
    }

    private static async Task SendAsync(Socket to, string text) => await to.SendAsync(Encoding.ASCII.GetBytes(text));

    /// <summary>So much, or what there is up to the end.</summary>
    private static async Task<string> ReceiveAsync(Socket from, int count)
    {
        using var patience = The.Patience();
        var buffer = new byte[count];
        var received = 0;
        while (received < count && await from.ReceiveAsync(buffer.AsMemory(received), patience.Token) is > 0 and var more)
        {
            received += more;
        }

        return Encoding.ASCII.GetString(buffer, 0, received);
    }
}
