using System.Net;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Lab;

/// <summary>
/// A naive strategy on a socket of its own. A bare server and no second host: that would read the site's settings, listen for the
/// signals that are meant for the site, and log beside it.
/// </summary>
internal sealed class Sandbox : ILabGround
{
    private const string Name = "somebody";

    private static readonly ClientInfo Client = ClientInfo.Of("WebApp-Lab", null);

    private readonly TemporaryDatabase database;
    private readonly SandboxRooms rooms;
    private readonly KestrelServer server;
    private TokenPair? pair;

    private Sandbox(
        LabStrategy strategy, TemporaryDatabase database, IOptions<SessionsOptions> options, TimeProvider time, ILoggerFactory logs)
    {
        this.database = database;
        rooms = new SandboxRooms(strategy, database, options, time, logs);
        var kestrel = new KestrelServerOptions();
        kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
        server = new KestrelServer(
            Options.Create(kestrel), new SocketTransportFactory(Options.Create(new SocketTransportOptions()), logs), logs);
    }

    public IReadOnlyList<LabNode> Nodes =>
        [new LabNode(new Uri(server.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Single()))];

    /// <summary>The access token has ended and is left out, but for the strategy that refreshes all the same.</summary>
    public LabPair Pair => new(rooms.RefreshesAlways ? Opened.AccessToken : null, Opened.RefreshToken);

    private TokenPair Opened => pair ?? throw new InvalidOperationException("The sandbox has not been started.");

    public static async Task<Sandbox> StartAsync(
        LabStrategy strategy, IOptions<SessionsOptions> options, TimeProvider time, ILoggerFactory logs, CancellationToken cancellation)
    {
        var sandbox = new Sandbox(strategy, await TemporaryDatabase.CreateAsync(cancellation), options, time, logs);
        try
        {
            var proof = await sandbox.database.AddAccountAsync(Name, cancellation);
            sandbox.pair = await sandbox.rooms.Lifecycle.OpenAsync(
                proof, Client, SessionTransport.Cookie, persistent: false, cancellation);
            await sandbox.server.StartAsync(new SandboxDoor(sandbox.rooms), cancellation);
            return sandbox;
        }
        catch
        {
            await sandbox.DisposeAsync();
            throw;
        }
    }

    public async Task<int> GenerationAsync(CancellationToken cancellation) =>
        await rooms.Rows.FindAsync(Opened.Grant.Session, cancellation) is { } found ? found.Row.Generation : 0;

    public async ValueTask DisposeAsync()
    {
        await server.StopAsync(CancellationToken.None);
        server.Dispose();
        rooms.Dispose();
        await database.DisposeAsync();
    }
}
