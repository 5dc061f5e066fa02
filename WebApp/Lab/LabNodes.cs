using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using WebApp.Configuration;

namespace WebApp.Lab;

/// <summary>One node to fire at.</summary>
/// <param name="Address">Where its API says who is signed in.</param>
/// <param name="IsProxied">Whether a proxy ends TLS before it, and has to be imitated: tokens travel over HTTPS alone.</param>
/// <param name="IsOwn">Whether it is this process, on its own address.</param>
internal sealed record LabNode(Uri Address, bool IsProxied = false, bool IsOwn = false)
{
    /// <summary>What the names of the cookies begin with (contract, "Cookies").</summary>
    public string CookiePrefix => IsProxied || Address.Scheme == Uri.UriSchemeHttps ? "__Host-" : "";
}

/// <summary>The nodes of the running site: those that are configured, else this process.</summary>
internal sealed class LabNodes(IOptions<LabOptions> options, IServer server, IHostEnvironment environment)
{
    private const string Path = "/api/me";

    public int Count => Math.Max(1, options.Value.Nodes.Count);

    public IReadOnlyList<LabNode> All => options.Value.Nodes.Count == 0
        ? [Own()]
        : [.. options.Value.Nodes.Select(node => Of(new Uri(node), isOwn: false))];

    private LabNode Own()
    {
        var addresses = server.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Select(BindingAddress.Parse).ToList();

        // A developer's certificate may be trusted by nobody; elsewhere tokens travel over HTTPS.
        var wanted = environment.IsDevelopment() ? Uri.UriSchemeHttp : Uri.UriSchemeHttps;
        var address = addresses.FirstOrDefault(each => each.Scheme == wanted) ?? addresses[0];
        var host = address.Host is "+" or "*" or "0.0.0.0" or "[::]" ? "127.0.0.1" : address.Host;
        return Of(new UriBuilder(address.Scheme, host, address.Port).Uri, isOwn: true);
    }

    private LabNode Of(Uri address, bool isOwn) => new(
        new Uri(address, Path), !environment.IsDevelopment() && address.Scheme == Uri.UriSchemeHttp, isOwn);
}
