using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;

namespace WebApp.Tokens;

/// <summary>One key for access tokens and the one algorithm it is used with (RFC 7518).</summary>
internal sealed class SigningKey
{
    private const int SharedSecretBytes = 32;
    private const int RsaBits = 2048;

    /// <summary>What this version can sign and verify with.</summary>
    public static readonly IReadOnlyList<string> Algorithms =
        [SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.RsaSha256, SecurityAlgorithms.HmacSha256];

    private SigningKey(string algorithm, SecurityKey key, string id)
    {
        Algorithm = algorithm;
        Key = key;
        Key.KeyId = id;
    }

    public string Algorithm { get; }

    public SecurityKey Key { get; }

    /// <param name="algorithm">ES256, RS256 or HS256.</param>
    /// <param name="id">The <c>kid</c>; null for one that nobody else has.</param>
    public static SigningKey Create(string algorithm, string? id = null) => Import(algorithm, id ?? Guid.NewGuid().ToString("N"), algorithm switch
    {
        SecurityAlgorithms.EcdsaSha256 => NewEcdsa(),
        SecurityAlgorithms.RsaSha256 => NewRsa(),
        SecurityAlgorithms.HmacSha256 => RandomNumberGenerator.GetBytes(SharedSecretBytes),
        _ => throw Unknown(algorithm),
    });

    /// <param name="algorithm">ES256, RS256 or HS256.</param>
    /// <param name="id">The <c>kid</c>.</param>
    /// <param name="material">PKCS #8 for ES256 and RS256, the bytes themselves for HS256.</param>
    public static SigningKey Import(string algorithm, string id, ReadOnlySpan<byte> material)
    {
        switch (algorithm)
        {
            case SecurityAlgorithms.EcdsaSha256:
                var ecdsa = ECDsa.Create();
                ecdsa.ImportPkcs8PrivateKey(material, out _);
                return new SigningKey(algorithm, new ECDsaSecurityKey(ecdsa), id);
            case SecurityAlgorithms.RsaSha256:
                var rsa = RSA.Create();
                rsa.ImportPkcs8PrivateKey(material, out _);
                return new SigningKey(algorithm, new RsaSecurityKey(rsa), id);
            case SecurityAlgorithms.HmacSha256:
                return new SigningKey(algorithm, new SymmetricSecurityKey(material.ToArray()), id);
            default:
                throw Unknown(algorithm);
        }
    }

    /// <summary>What <see cref="Import"/> takes. Secret.</summary>
    public byte[] Export() => Key switch
    {
        ECDsaSecurityKey ecdsa => ecdsa.ECDsa.ExportPkcs8PrivateKey(),
        RsaSecurityKey rsa => rsa.Rsa.ExportPkcs8PrivateKey(),
        SymmetricSecurityKey shared => shared.Key,
        _ => throw Unknown(Algorithm),
    };

    /// <summary>The public half, or null for a shared secret.</summary>
    public JsonWebKey? PublicKey()
    {
        switch (Key)
        {
            case ECDsaSecurityKey ecdsa:
                var point = ecdsa.ECDsa.ExportParameters(includePrivateParameters: false);
                return Published(new JsonWebKey
                {
                    Kty = JsonWebAlgorithmsKeyTypes.EllipticCurve,
                    Crv = JsonWebKeyECTypes.P256,
                    X = Base64UrlEncoder.Encode(point.Q.X),
                    Y = Base64UrlEncoder.Encode(point.Q.Y),
                });
            case RsaSecurityKey rsa:
                return Published(JsonWebKeyConverter.ConvertFromRSASecurityKey(
                    new RsaSecurityKey(rsa.Rsa.ExportParameters(includePrivateParameters: false))));
            default:
                return null;
        }
    }

    private static byte[] NewEcdsa()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return key.ExportPkcs8PrivateKey();
    }

    private static byte[] NewRsa()
    {
        using var key = RSA.Create(RsaBits);
        return key.ExportPkcs8PrivateKey();
    }

    private static InvalidOperationException Unknown(string algorithm) =>
        new($"There is no signing key for the algorithm '{algorithm}'.");

    private JsonWebKey Published(JsonWebKey key)
    {
        key.Kid = Key.KeyId;
        key.Alg = Algorithm;
        key.Use = JsonWebKeyUseNames.Sig;
        return key;
    }
}
