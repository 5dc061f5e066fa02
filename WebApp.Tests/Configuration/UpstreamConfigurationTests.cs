using System.Security.Cryptography;
using Xunit;

namespace WebApp.Tests.Configuration;

/// <summary>What is said of an upstream issuer's settings, with nonsense in them and with what is allowed.</summary>
public sealed class UpstreamConfigurationTests
{
    private const string Kind = "Upstream:Kind";
    private const string BaseAddress = "Upstream:BaseAddress";
    private const string SigningKey = "Upstream:SigningKey";
    private const string JwksUri = "Upstream:JwksUri";
    private const string Timeout = "Upstream:Timeout";
    private const string Database = "ConnectionStrings:Database";

    private const string Secret = "0123456789abcdef0123456789abcdef";
    private const string Address =
        "must be an https address that ends with a slash, such as 'https://issuer.example/' (http is for this machine alone)";
    private const string SetAddress = "must be an https address (http is for this machine alone)";
    private const string OneOfTwo = "one of SigningKey and JwksUri must be given, and not both";
    private const string Key = "must be a public key in PEM, of RSA or of an elliptic curve, or a secret of at least 32 bytes";
    private const string Refresh = "must be longer than zero and shorter than Sessions:LockWait + Sessions:LockLease";
    private const string Nodes =
        "several nodes on one PostgreSQL need ConnectionStrings:Redis; if this is the only node, say Sessions:WithoutRedis = SingleNode";

    private static readonly (string Key, string Value)[] Sound =
        [(Kind, "SimpleJwt"), (BaseAddress, "https://issuer.example/"), (SigningKey, Secret)];

    private static readonly (string Key, string Value)[] SoundSet =
        [(Kind, "SimpleJwt"), (BaseAddress, "https://issuer.example/"), (JwksUri, "https://issuer.example/keys")];

    [Fact]
    public void An_issuer_with_a_secret_or_with_a_key_set_is_sound()
    {
        AssertSays([], Sound);
        AssertSays([], SoundSet);
    }

    [Theory]
    [InlineData(BaseAddress, "https://issuer.example/", "https://issuer.example/")]
    [InlineData(BaseAddress, "nonsense", "nonsense")]
    [InlineData(SigningKey, Secret, "***")]
    [InlineData(JwksUri, "https://issuer.example/keys", "https://issuer.example/keys")]
    public void Without_an_issuer_its_settings_have_no_meaning(string key, string value, string shown) =>
        AssertSays([$"{key} is '{shown}', but has no meaning while Upstream:Kind is None."], [(key, value)]);

    [Theory]
    [InlineData("https://issuer.example/")]
    [InlineData("https://issuer.example:8443/auth/")]
    [InlineData("HTTPS://ISSUER.EXAMPLE/")]
    [InlineData("http://localhost/")]
    [InlineData("http://127.0.0.1:8000/")]
    [InlineData("http://[::1]:8000/auth/")]
    public void An_address_that_nobody_overhears_is_sound(string address) => AssertSays([], Sound, (BaseAddress, address));

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("nonsense")]
    [InlineData("issuer.example/")]
    [InlineData("/auth/")]
    [InlineData("//issuer.example/")]
    [InlineData("https:///")]
    [InlineData("https://issuer.example")]
    [InlineData("https://issuer.example/auth")]
    [InlineData("http://issuer.example/")]
    [InlineData("http://10.0.0.1/")]
    [InlineData("http://localhost.example/")]
    [InlineData("ftp://localhost/")]
    [InlineData("file:///srv/issuer/")]
    [InlineData("https://issuer.example/?to=/")]
    [InlineData("https://issuer.example/#/")]
    public void An_address_breaks_its_rule(string address) =>
        AssertSays([$"{BaseAddress} is '{address}', but {Address}."], Sound, (BaseAddress, address));

    [Fact]
    public void An_address_names_nobody()
    {
        AssertSays(
            [$"{BaseAddress} is 'https://***@issuer.example/', but {Address}."], Sound, (BaseAddress, "https://me:hunter2@issuer.example/"));
        AssertSays(
            [$"{JwksUri} is 'https://***@issuer.example/keys', but {SetAddress}."], SoundSet, (JwksUri, "https://me@issuer.example/keys"));
    }

    [Theory]
    [InlineData("https://issuer.example/.well-known/jwks.json")]
    [InlineData("https://keys.example/")]
    [InlineData("https://keys.example")]
    [InlineData("http://localhost:8000/keys")]
    public void A_key_set_lies_where_nobody_can_exchange_it(string address) => AssertSays([], SoundSet, (JwksUri, address));

    [Theory]
    [InlineData("nonsense")]
    [InlineData("/keys")]
    [InlineData("http://issuer.example/keys")]
    [InlineData("file:///srv/keys")]
    [InlineData("https://issuer.example/keys?of=all")]
    [InlineData("https://issuer.example/keys#all")]
    public void The_address_of_a_key_set_breaks_its_rule(string address) =>
        AssertSays([$"{JwksUri} is '{address}', but {SetAddress}."], SoundSet, (JwksUri, address));

    [Fact]
    public void A_token_is_known_by_a_key_or_by_a_set_and_not_by_both()
    {
        AssertSays([$"{SigningKey} is '', but {OneOfTwo}."], Sound, (SigningKey, ""));
        AssertSays([$"{SigningKey} is '***', but {OneOfTwo}."], Sound, (JwksUri, "https://issuer.example/keys"));
    }

    [Theory]
    [InlineData(Secret, true)]
    [InlineData("éééééééééééééééé", true)]
    [InlineData("0123456789abcdef0123456789abcde", false)]
    [InlineData("ééééééééééééééé", false)]
    [InlineData("x", false)]
    public void A_secret_has_at_least_32_bytes(string secret, bool holds) => AssertSays(
        holds ? [] : [$"{SigningKey} is '***', but {Key}."], Sound, (SigningKey, secret));

    [Fact]
    public void A_public_key_of_RSA_or_of_a_curve_is_sound()
    {
        using var rsa = RSA.Create(2048);
        using var curve = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        string[] keys = [rsa.ExportSubjectPublicKeyInfoPem(), rsa.ExportRSAPublicKeyPem(), curve.ExportSubjectPublicKeyInfoPem()];

        Assert.All(keys, key => AssertSays([], Sound, (SigningKey, key)));
        Assert.All(keys, key => AssertSays([], Sound, (SigningKey, $"\n  {key}\n")));
    }

    /// <summary>Longer than any secret has to be, and no secret: somebody has cut a key short, or taken the wrong file.</summary>
    [Theory]
    [InlineData("-----BEGIN PUBLIC KEY-----")]
    [InlineData("\n  -----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----")]
    [InlineData("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----")]
    [InlineData("-----BEGIN PUBLIC KEY-----\nnot base64 at all, but long enough\n-----END PUBLIC KEY-----")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----")]
    [InlineData("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----")]
    public void A_PEM_without_a_key_that_can_be_used_breaks_the_rule(string pem) =>
        AssertSays([$"{SigningKey} is '***', but {Key}."], Sound, (SigningKey, pem));

    [Theory]
    [InlineData("00:00:00.001", true)]
    [InlineData("00:00:14.9999999", true)]
    [InlineData("00:00:00", false)]
    [InlineData("-00:00:01", false)]
    [InlineData("00:00:15", false)]
    [InlineData("1.00:00:00", false)]
    public void The_issuer_may_take_as_long_as_a_refresh(string timeout, bool holds) => AssertSays(
        holds ? [] : [$"{Timeout} is '{timeout}', but {Refresh} = 00:00:15."], Sound, (Timeout, timeout));

    [Fact]
    public void How_long_a_refresh_takes_is_the_sites_own_affair() => AssertSays(
        [$"{Timeout} is '00:00:10', but {Refresh} = 00:00:03."],
        Sound,
        ("Sessions:LockWait", "00:00:01"), ("Sessions:LockLease", "00:00:02"));

    [Theory]
    [InlineData("", "Refuse", false)]
    [InlineData("", "SingleNode", true)]
    [InlineData("127.0.0.1:6379", "Refuse", true)]
    [InlineData("127.0.0.1:6379", "SingleNode", true)]
    public void Several_nodes_need_a_lock_that_they_share(string redis, string without, bool holds) => AssertSays(
        holds ? [] : [$"{Kind} is 'SimpleJwt', but {Nodes}."],
        Sound,
        (Database, "Host=db;Database=webapp"), ("ConnectionStrings:Redis", redis), ("Sessions:WithoutRedis", without));

    [Fact]
    public void A_site_on_SQLite_is_one_node() => AssertSays([], Sound, (Database, "Data Source=webapp.db"));

    [Fact]
    public void Each_mistake_has_its_sentence() => AssertSays(
        [
            $"{BaseAddress} is 'nonsense', but {Address}.",
            $"{SigningKey} is '***', but {OneOfTwo}.",
            $"{SigningKey} is '***', but {Key}.",
            $"{JwksUri} is 'nonsense', but {SetAddress}.",
            $"{Timeout} is '00:00:00', but {Refresh} = 00:00:15.",
            $"{Kind} is 'SimpleJwt', but {Nodes}.",
        ],
        Sound,
        (BaseAddress, "nonsense"), (SigningKey, "hunter2"), (JwksUri, "nonsense"), (Timeout, "00:00:00"),
        (Database, "Host=db;Database=webapp"));

    private static void AssertSays(
        string[] sentences, (string Key, string Value)[] settings, params (string Key, string Value)[] changes) =>
        Assert.Equal(
            sentences,
            BadConfigurationTests.Complaints([.. settings.Concat(changes).GroupBy(each => each.Key).Select(same => same.Last())]));
}
