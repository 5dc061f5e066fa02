using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.Tokens;
using WebApp.Configuration;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;

namespace WebApp.Tests.Tokens;

/// <summary>Makes and reads access tokens as a site does, and signs with its keys whatever it is given.</summary>
internal sealed class Mint : IDisposable
{
    /// <summary>Made once, because making one takes long.</summary>
    private static readonly Lazy<SigningKey> Rsa = new(() => SigningKey.Create("RS256"));

    private readonly AccessTokenIssuer issuer;
    private readonly AccessTokenReader reader;

    /// <param name="keys">The first one signs.</param>
    public Mint(Action<SessionsOptions>? change = null, params SigningKey[] keys)
    {
        Key = keys[0];
        Keys.Use(keys);
        var options = Some.Options(change);
        issuer = new AccessTokenIssuer(Keys, options, Random.Shared);
        reader = new AccessTokenReader(Keys, options, Time);
    }

    public Mint(string algorithm = "ES256")
        : this(null, NewKey(algorithm))
    {
    }

    public SigningKey Key { get; }

    public SigningKeys Keys { get; } = new();

    public FakeTimeProvider Time { get; } = new(The.Beginning);

    /// <summary>A header as this site writes it.</summary>
    public string Header => $$"""{"alg":"{{Key.Algorithm}}","kid":"{{Key.Key.KeyId}}","typ":"at+jwt"}""";

    /// <summary>The least that an access token must say.</summary>
    public static string Payload { get; } = $$"""
        {"iss":"WebApp","aud":"WebApp","sub":"u","sid":"{{SessionId.New()}}","gen":1,"auth_time":1,"exp":1999999999,"token_type":"access"}
        """;

    public static SigningKey NewKey(string algorithm) => algorithm == "RS256" ? Rsa.Value : SigningKey.Create(algorithm);

    public string Issue(SessionGrant? grant = null) => issuer.Issue(grant ?? Some.Grant(), Time.GetUtcNow());

    public AccessToken? Read(string? text) => reader.Read(text);

    /// <summary>A token with this very header and payload, and a genuine signature.</summary>
    public string Sign(string header, string payload)
    {
        var signer = Key.Key.CryptoProviderFactory.CreateForSigning(Key.Key, Key.Algorithm);
        return Compose(header, payload, signer.Sign);
    }

    /// <summary>A token with this very header and payload, signed with a shared secret.</summary>
    public static string SignShared(string header, string payload, byte[] secret) =>
        Compose(header, payload, input => HMACSHA256.HashData(secret, input));

    public static string Compose(string header, string payload, Func<byte[], byte[]> sign)
    {
        var input = $"{Base64UrlEncoder.Encode(header)}.{Base64UrlEncoder.Encode(payload)}";
        return $"{input}.{Base64UrlEncoder.Encode(sign(Encoding.ASCII.GetBytes(input)))}";
    }

    public void Dispose() => reader.Dispose();
}
