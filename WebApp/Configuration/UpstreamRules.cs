using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace WebApp.Configuration;

/// <summary>What the values of <see cref="UpstreamOptions"/> must satisfy, alone and beside the others.</summary>
internal sealed class UpstreamRules(IOptions<SessionsOptions> sessions, IOptions<ConnectionsOptions> connections)
    : IValidateOptions<UpstreamOptions>
{
    /// <summary>Shortest shared secret, in bytes (RFC 7518, section 3.2).</summary>
    private const int MinSecret = 32;

    public ValidateOptionsResult Validate(string? name, UpstreamOptions options)
    {
        var complaints = new Complaints(UpstreamOptions.Section);
        if (options.Kind == UpstreamKind.None)
        {
            foreach (var (key, value) in new[]
            {
                (nameof(options.BaseAddress), options.BaseAddress),
                (nameof(options.SigningKey), options.SigningKey),
                (nameof(options.JwksUri), options.JwksUri),
            })
            {
                complaints.Unless(value.Length == 0, key, value, $"has no meaning while {UpstreamOptions.Section}:Kind is None");
            }

            return complaints.Result();
        }

        complaints.Unless(
            IsAddress(options.BaseAddress) && options.BaseAddress.EndsWith('/'),
            nameof(options.BaseAddress), options.BaseAddress,
            "must be an https address that ends with a slash, such as 'https://issuer.example/' (http is for this machine alone)");
        complaints.Unless(
            options.SigningKey.Length == 0 != (options.JwksUri.Length == 0),
            nameof(options.SigningKey), options.SigningKey, "one of SigningKey and JwksUri must be given, and not both");
        complaints.Unless(
            options.SigningKey.Length == 0 || IsKey(options.SigningKey),
            nameof(options.SigningKey), options.SigningKey,
            $"must be a public key in PEM, of RSA or of an elliptic curve, or a secret of at least {MinSecret} bytes");
        complaints.Unless(
            options.JwksUri.Length == 0 || IsAddress(options.JwksUri),
            nameof(options.JwksUri), options.JwksUri, "must be an https address (http is for this machine alone)");

        var refresh = sessions.Value.LockWait + sessions.Value.LockLease;
        complaints.Unless(
            options.Timeout > TimeSpan.Zero && options.Timeout < refresh,
            nameof(options.Timeout), options.Timeout,
            $"must be longer than zero and shorter than Sessions:LockWait + Sessions:LockLease = {refresh}");
        complaints.Unless(
            !ConnectionsOptions.IsPostgreSql(connections.Value.Database)
                || connections.Value.Redis.Length > 0
                || sessions.Value.WithoutRedis == WithoutRedis.SingleNode,
            nameof(options.Kind), options.Kind,
            "several nodes on one PostgreSQL need ConnectionStrings:Redis; if this is the only node, say Sessions:WithoutRedis = SingleNode");
        return complaints.Result();
    }

    /// <summary>Passwords and tokens travel there.</summary>
    private static bool IsAddress(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var address)
        && (address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && address.IsLoopback))
        && address.UserInfo.Length == 0 && address.Query.Length == 0 && address.Fragment.Length == 0;

    private static bool IsKey(string text)
    {
        if (!text.TrimStart().StartsWith("-----BEGIN", StringComparison.Ordinal))
        {
            return Encoding.UTF8.GetByteCount(text) >= MinSecret;
        }

        return CanImport(RSA.Create, text) || CanImport(ECDsa.Create, text);
    }

    private static bool CanImport<T>(Func<T> create, string pem)
        where T : AsymmetricAlgorithm
    {
        using var key = create();
        try
        {
            key.ImportFromPem(pem);
            return true;
        }
        catch (Exception other) when (other is CryptographicException or ArgumentException)
        {
            return false;
        }
    }
}
