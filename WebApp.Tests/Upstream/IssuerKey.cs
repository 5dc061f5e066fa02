using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using WebApp.Tests.Fixtures;

namespace WebApp.Tests.Upstream;

/// <summary>A key of an upstream issuer: signs access tokens, and is what the site is told of it.</summary>
/// <param name="Key">With its private half.</param>
/// <param name="Algorithm">What it signs with.</param>
/// <param name="Text">For <c>Upstream:SigningKey</c>: the secret itself, or the public half in PEM.</param>
/// <param name="Entry">Its entry in a key set.</param>
internal sealed record IssuerKey(SecurityKey Key, string Algorithm, string Text, IReadOnlyDictionary<string, string> Entry)
{
    /// <summary>How long its tokens last.</summary>
    public static TimeSpan Lifetime => TimeSpan.FromMinutes(5);

    public static IssuerKey Secret(string text, string? id = null)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return new IssuerKey(
            new SymmetricSecurityKey(bytes) { KeyId = id },
            SecurityAlgorithms.HmacSha256,
            text,
            new Dictionary<string, string> { ["kty"] = "oct", ["kid"] = id ?? "", ["k"] = Base64UrlEncoder.Encode(bytes) });
    }

    public static IssuerKey Rsa(string? id = null)
    {
        var rsa = RSA.Create(2048);
        var half = rsa.ExportParameters(includePrivateParameters: false);
        return new IssuerKey(
            new RsaSecurityKey(rsa) { KeyId = id },
            SecurityAlgorithms.RsaSha256,
            rsa.ExportSubjectPublicKeyInfoPem(),
            new Dictionary<string, string>
            {
                ["kty"] = "RSA",
                ["kid"] = id ?? "",
                ["n"] = Base64UrlEncoder.Encode(half.Modulus),
                ["e"] = Base64UrlEncoder.Encode(half.Exponent),
            });
    }

    public static IssuerKey Curve(string? id = null)
    {
        var curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var half = curve.ExportParameters(includePrivateParameters: false);
        return new IssuerKey(
            new ECDsaSecurityKey(curve) { KeyId = id },
            SecurityAlgorithms.EcdsaSha256,
            curve.ExportSubjectPublicKeyInfoPem(),
            new Dictionary<string, string>
            {
                ["kty"] = "EC",
                ["kid"] = id ?? "",
                ["crv"] = "P-256",
                ["x"] = Base64UrlEncoder.Encode(half.Q.X),
                ["y"] = Base64UrlEncoder.Encode(half.Q.Y),
            });
    }

    /// <summary>An access token as Simple JWT issues it at <see cref="The.Beginning"/>.</summary>
    /// <param name="changes">Claims that are otherwise, or, where the value is null, not there.</param>
    public string Sign(params (string Name, object? Value)[] changes)
    {
        var claims = new Dictionary<string, object>
        {
            ["token_type"] = "access",
            ["exp"] = (The.Beginning + Lifetime).ToUnixTimeSeconds(),
            ["iat"] = The.Beginning.ToUnixTimeSeconds(),
            ["jti"] = "7d3f",
            ["user_id"] = "7",
        };
        foreach (var (name, value) in changes)
        {
            claims.Remove(name);
            if (value is not null)
            {
                claims[name] = value;
            }
        }

        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(
            JsonSerializer.Serialize(claims), new SigningCredentials(Key, Algorithm));
    }
}
