using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Tokens;

/// <summary>Scenario 44: what is not to the letter a token of this site is refused, and nothing ever throws.</summary>
public sealed class ForgedAccessTokenTests : IDisposable
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    private readonly Mint mint = new();
    private readonly Random random = new(44);

    [Theory]
    [InlineData("ES256")]
    [InlineData("RS256")]
    [InlineData("HS256")]
    public void A_character_changed_at_any_position_spoils_the_token(string algorithm)
    {
        using var other = new Mint(algorithm);
        var text = other.Issue(Some.Grant(1, "Admin"));
        Assert.NotNull(other.Read(text));

        for (var position = 0; position < text.Length; position++)
        {
            char[] others = [Others(text[position]), Others(text[position]), '.', '=', ' ', 'é'];
            foreach (var character in others.Where(each => each != text[position]))
            {
                Refuse(other, $"{text[..position]}{character}{text[(position + 1)..]}");
            }
        }
    }

    [Fact]
    public void A_byte_changed_at_any_position_spoils_the_token()
    {
        var parts = mint.Issue().Split('.');
        for (var part = 0; part < parts.Length; part++)
        {
            var bytes = Base64UrlEncoder.DecodeBytes(parts[part]);
            for (var position = 0; position < bytes.Length; position++)
            {
                var changed = (byte[])bytes.Clone();
                changed[position] ^= (byte)random.Next(1, 256);
                Refuse(mint, string.Join('.', parts.Select((each, index) => index == part ? Base64UrlEncoder.Encode(changed) : each)));
            }
        }
    }

    [Fact]
    public void A_token_cut_anywhere_is_refused()
    {
        var text = mint.Issue();
        for (var length = 0; length < text.Length; length++)
        {
            Refuse(mint, text[..length]);
            Refuse(mint, text[(length + 1)..]);
        }
    }

    [Fact]
    public void Garbage_is_refused()
    {
        var text = mint.Issue();
        var parts = text.Split('.');
        string?[] made =
        [
            null, "", " ", ".", "..", "...", "a.b.c", "a.b.c.d.e", "🍪", "🍪.🍪.🍪", "\ud83d", "\0", "e30.e30.", "W10.W10.W10",
            "bnVsbA.bnVsbA.", text + text, text + ".", "." + text, text + "." + parts[2], $"{parts[0]}.{parts[1]}.",
            $"{parts[0]}..{parts[2]}", $".{parts[1]}.{parts[2]}", text + "=", text + "==", $"{parts[0]}==.{parts[1]}.{parts[2]}",
            " " + text, text + "\n", $"\"{text}\"", "Bearer " + text,
            Convert.ToBase64String(Encoding.UTF8.GetBytes(text)), Convert.ToHexString(Encoding.UTF8.GetBytes(text)),
            Uri.EscapeDataString(text).Replace(".", "%2E", StringComparison.Ordinal), text.ToUpperInvariant(),
            new string(text.Reverse().ToArray()),
            string.Join('.', parts.Select(part => Convert.ToBase64String(Encoding.Unicode.GetBytes(Base64UrlEncoder.Decode(part))))),
            new string('A', 4096), new string('A', 8192), new string('.', 4096), text.PadRight(8192, 'A'), text.PadRight(4096, 'A'),
            new string('e', 1_000_000),
        ];
        Assert.All(made, each => Refuse(mint, each));

        for (var round = 0; round < 1_000; round++)
        {
            var bytes = new byte[random.Next(1, 400)];
            random.NextBytes(bytes);
            Refuse(mint, Encoding.UTF8.GetString(bytes));
            Refuse(mint, Encoding.Unicode.GetString(bytes));
            Refuse(mint, $"{Base64UrlEncoder.Encode(bytes)}.{Base64UrlEncoder.Encode(bytes)}.{Base64UrlEncoder.Encode(bytes)}");
            Refuse(mint, $"{parts[0]}.{Base64UrlEncoder.Encode(bytes)}.{parts[2]}");
        }
    }

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("NONE")]
    [InlineData("nOnE")]
    [InlineData("")]
    [InlineData("ES384")]
    [InlineData("RS256")]
    [InlineData("HS256")]
    public void Another_algorithm_in_the_header_is_refused(string algorithm)
    {
        var header = mint.Header.Replace("ES256", algorithm, StringComparison.Ordinal);

        Refuse(mint, Mint.Compose(header, Mint.Payload, _ => []));
        Refuse(mint, mint.Sign(header, Mint.Payload));
    }

    /// <summary>A key is used with one algorithm (RFC 8725, section 3.1), by us as by anybody.</summary>
    [Theory]
    [InlineData("RS512")]
    [InlineData("PS256")]
    public void A_token_signed_with_our_key_and_another_algorithm_is_refused(string algorithm)
    {
        using var rsa = new Mint("RS256");
        var signer = rsa.Key.Key.CryptoProviderFactory.CreateForSigning(rsa.Key.Key, algorithm);
        var header = rsa.Header.Replace("RS256", algorithm, StringComparison.Ordinal);

        Refuse(rsa, Mint.Compose(header, Mint.Payload, signer.Sign));
    }

    [Fact]
    public void A_token_longer_than_any_cookie_is_not_looked_at()
    {
        var grant = Some.Grant();

        Assert.NotNull(mint.Read(mint.Issue(grant with { Name = new string('n', 2_000) })));
        Refuse(mint, mint.Issue(grant with { Name = new string('n', 3_000) }));
    }

    /// <summary>The classic: an attacker knows the public key, and offers it as the shared secret.</summary>
    [Fact]
    public void A_token_signed_with_the_public_key_as_shared_secret_is_refused()
    {
        foreach (var algorithm in new[] { "ES256", "RS256" })
        {
            using var alone = new Mint(algorithm);
            using var withShared = new Mint(null, alone.Key, SigningKey.Create("HS256"));
            var header = alone.Header.Replace(algorithm, "HS256", StringComparison.Ordinal);
            foreach (var secret in Publicly(alone.Key))
            {
                Refuse(alone, Mint.SignShared(header, Mint.Payload, secret));
                Refuse(withShared, Mint.SignShared(header, Mint.Payload, secret));
            }
        }
    }

    [Fact]
    public void A_token_of_another_issuer_audience_or_type_is_refused_with_our_own_signature()
    {
        using var elsewhere = new Mint(options => options.Issuer = "Elsewhere", mint.Key);
        using var forOthers = new Mint(options => options.Audience = "Others", mint.Key);

        Refuse(mint, elsewhere.Issue());
        Refuse(mint, forOthers.Issue());
        foreach (var type in new[] { "JWT", "jwt", "", "at+jwt2", "refresh+jwt" })
        {
            Refuse(mint, mint.Sign(mint.Header.Replace("at+jwt", type, StringComparison.Ordinal), Mint.Payload));
        }

        Refuse(mint, mint.Sign(mint.Header.Replace(",\"typ\":\"at+jwt\"", "", StringComparison.Ordinal), Mint.Payload));
    }

    [Fact]
    public void A_token_of_a_key_that_is_not_ours_is_refused()
    {
        using var stranger = new Mint();
        using var impostor = new Mint(null, SigningKey.Import("ES256", mint.Key.Key.KeyId, SigningKey.Create("ES256").Export()));

        Refuse(mint, stranger.Issue());
        Refuse(mint, impostor.Issue());
        foreach (var kid in new[] { "unknown", "", "../../dev/null", mint.Key.Key.KeyId.ToUpperInvariant() + "x" })
        {
            Refuse(mint, mint.Sign(mint.Header.Replace(mint.Key.Key.KeyId, kid, StringComparison.Ordinal), Mint.Payload));
        }

        Refuse(mint, mint.Sign("""{"alg":"ES256","typ":"at+jwt"}""", Mint.Payload));
    }

    /// <summary>Signed by ourselves, so that nothing but the claim itself is in the way.</summary>
    [Theory]
    [InlineData("sid")]
    [InlineData("sid", "7", "null", "{}", "[]", "\"\"", "\"x\"", "true", "\"00000000-0000-0000-0000-000000000001\"")]
    [InlineData("gen")]
    [InlineData("gen", "-1", "null", "\"1\"", "\"x\"", "1.5", "true", "[1]", "{}")]
    [InlineData("gen", "2147483647", "2147483648", "99999999999999999999", "1e400")]
    [InlineData("sub")]
    [InlineData("sub", "7", "null", "\"\"", "{}", "[\"u\"]", "[\"u\",\"v\"]", "true")]
    [InlineData("exp")]
    [InlineData("exp", "null", "\"x\"", "true", "{}", "[1]", "1e400")]
    [InlineData("auth_time")]
    [InlineData("auth_time", "-1", "null", "\"1\"", "1.5", "true", "[1]", "1e400")]
    [InlineData("auth_time", "9223372036854775807", "-9223372036854775808", "253402300800")]
    [InlineData("token_type")]
    [InlineData("token_type", "\"refresh\"", "null", "[\"access\"]", "\"Access\"", "7")]
    [InlineData("iss")]
    [InlineData("iss", "null", "7", "{}", "[\"WebApp\"]", "\"webapp\"")]
    [InlineData("aud")]
    [InlineData("aud", "null", "7", "{}", "[]", "\"webapp\"")]
    public void A_claim_that_is_missing_or_not_of_its_kind_spoils_the_token(string claim, params string[] values)
    {
        Assert.NotNull(mint.Read(mint.Sign(mint.Header, Mint.Payload)));
        var claims = JsonElement.Parse(Mint.Payload).EnumerateObject()
            .ToDictionary(each => each.Name, each => each.Value.GetRawText());
        if (values.Length == 0)
        {
            claims.Remove(claim);
            Refuse(mint, mint.Sign(mint.Header, Json(claims)));
        }

        Assert.All(values, value =>
        {
            claims[claim] = value;
            Refuse(mint, mint.Sign(mint.Header, Json(claims)));
        });
    }

    [Theory]
    [InlineData("\"sub\":\"v\"")]
    [InlineData("\"gen\":2")]
    [InlineData("\"exp\":1999999998")]
    [InlineData("\"sid\":\"00000000000000000000000000000001\"")]
    [InlineData("\"token_type\":\"access\"")]
    [InlineData("\"role\":[\"Admin\"],\"role\":[]")]
    public void A_claim_that_is_there_twice_spoils_the_token(string again) =>
        Refuse(mint, mint.Sign(mint.Header, $"{Mint.Payload.TrimEnd()[..^1]},{again}}}"));

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\"text\"")]
    [InlineData("{")]
    [InlineData("{}{}")]
    public void A_payload_that_is_no_object_is_refused(string payload) => Refuse(mint, mint.Sign(mint.Header, payload));

    public void Dispose() => mint.Dispose();

    private static void Refuse(Mint mint, string? text) => Assert.Null(mint.Read(text));

    private static string Json(Dictionary<string, string> claims) =>
        $"{{{string.Join(',', claims.Select(claim => $"\"{claim.Key}\":{claim.Value}"))}}}";

    private char Others(char character)
    {
        char other;
        do
        {
            other = Alphabet[random.Next(Alphabet.Length)];
        }
        while (other == character);

        return other;
    }

    /// <summary>Every form in which a public key is known to the public.</summary>
    private static IEnumerable<byte[]> Publicly(SigningKey key)
    {
        var published = key.PublicKey()!;
        AsymmetricAlgorithm pair = key.Key is ECDsaSecurityKey ecdsa ? ecdsa.ECDsa : ((RsaSecurityKey)key.Key).Rsa;
        var pem = pair.ExportSubjectPublicKeyInfoPem();
        string[] texts =
        [
            pem, pem + "\n", pem.ReplaceLineEndings("\r\n"), JsonSerializer.Serialize(published), published.Kid,
            published.X + published.Y, published.N + published.E,
        ];
        return [pair.ExportSubjectPublicKeyInfo(), .. texts.Where(text => text is { Length: > 0 }).Select(Encoding.UTF8.GetBytes)];
    }
}
