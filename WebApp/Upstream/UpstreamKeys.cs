using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using WebApp.Configuration;
using WebApp.Telemetry;

namespace WebApp.Upstream;

/// <summary>
/// The keys by which the upstream issuer's tokens are known: a shared secret, a public key in PEM, or a key set that is fetched
/// when a token names a key that is not in it.
/// </summary>
internal sealed partial class UpstreamKeys(
    IOptions<UpstreamOptions> options, IHttpClientFactory clients, TimeProvider time, ILogger<UpstreamKeys> logger) : IDisposable
{
    /// <summary>Of <see cref="IHttpClientFactory"/>.</summary>
    public const string Client = "upstream-keys";

    private const string Pem = "-----BEGIN";

    /// <summary>Not more often is a set fetched again for a key that is not in it: anybody can name one.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim fetching = new(1);
    private IReadOnlyList<SecurityKey>? known;
    private DateTimeOffset fetchedAt = DateTimeOffset.MinValue;

    /// <summary>What is accepted. Each kind of key does for its own algorithms alone.</summary>
    public static string[] Algorithms { get; } =
    [
        SecurityAlgorithms.HmacSha256, SecurityAlgorithms.HmacSha384, SecurityAlgorithms.HmacSha512,
        SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSha384, SecurityAlgorithms.RsaSha512,
        SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384, SecurityAlgorithms.EcdsaSha512,
    ];

    /// <summary>The keys to judge this token by. None, if they cannot be fetched.</summary>
    public async Task<IReadOnlyList<SecurityKey>> ForAsync(string token, CancellationToken cancellation)
    {
        if (options.Value.JwksUri.Length == 0)
        {
            return known ??= [Parse(options.Value.SigningKey)];
        }

        if (IdOf(token) is not { } id)
        {
            return [];
        }

        if (Holds(id))
        {
            return known!;
        }

        await fetching.WaitAsync(cancellation);
        try
        {
            if (!Holds(id) && time.GetUtcNow() - fetchedAt >= Pause)
            {
                known = await FetchAsync(cancellation) ?? known;
                fetchedAt = time.GetUtcNow();
            }

            return known ?? [];
        }
        finally
        {
            fetching.Release();
        }
    }

    /// <summary>A public key in PEM, or a secret as it is written. Throws for a PEM that is neither RSA's nor an elliptic curve's.</summary>
    public static SecurityKey Parse(string text)
    {
        if (!text.TrimStart().StartsWith(Pem, StringComparison.Ordinal))
        {
            return new SymmetricSecurityKey(Encoding.UTF8.GetBytes(text));
        }

        var rsa = RSA.Create();
        try
        {
            rsa.ImportFromPem(text);
            return new RsaSecurityKey(rsa);
        }
        catch (Exception other) when (other is CryptographicException or ArgumentException)
        {
            rsa.Dispose();
        }

        var curve = ECDsa.Create();
        curve.ImportFromPem(text);
        return new ECDsaSecurityKey(curve);
    }

    public void Dispose() => fetching.Dispose();

    /// <summary>The name of the key that a token says it was signed with, empty if it says none. Null for what is no token.</summary>
    private static string? IdOf(string token)
    {
        try
        {
            return new JsonWebToken(token).Kid ?? "";
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    private bool Holds(string id) => known is { } keys && (string.IsNullOrEmpty(id) || keys.Any(key => key.KeyId == id));

    /// <summary>A set may be known to everybody, so a secret in it is none (RFC 8725, section 3.1).</summary>
    private async Task<IReadOnlyList<SecurityKey>?> FetchAsync(CancellationToken cancellation)
    {
        try
        {
            // JSON is UTF-8 (RFC 8259, section 8.1). To read a text is to throw for a charset that nobody knows.
            var text = Encoding.UTF8.GetString(await clients.CreateClient(Client).GetByteArrayAsync(options.Value.JwksUri, cancellation));
            return [.. new JsonWebKeySet(text).GetSigningKeys().Where(key => key is not (SymmetricSecurityKey or JsonWebKey { Kty: "oct" }))];
        }
        catch (Exception away) when (away is HttpRequestException or ArgumentException
            || (away is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            NotFetched(logger, away);
            return null;
        }
    }

    [LoggerMessage(LogEvents.UpstreamKeysNotFetched, LogLevel.Warning, "The key set of the upstream issuer could not be read.")]
    private static partial void NotFetched(ILogger logger, Exception exception);
}
