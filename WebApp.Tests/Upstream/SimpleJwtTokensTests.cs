using System.Text.Json;
using Microsoft.IdentityModel.Tokens;
using WebApp.Upstream;
using Xunit;

namespace WebApp.Tests.Upstream;

/// <summary>What is read from an upstream issuer's access token, and which are none of its own.</summary>
public sealed class SimpleJwtTokensTests : IDisposable
{
    private static readonly IssuerKey Shared = IssuerKey.Secret("a secret that the issuer shares with this site");
    private static readonly IssuerKey Rsa = IssuerKey.Rsa();
    private static readonly IssuerKey Curve = IssuerKey.Curve();

    private readonly UpstreamReader reader = UpstreamReader.Of(Shared);

    public void Dispose() => reader.Dispose();

    public static TheoryData<string> Kinds => ["a shared secret", "a public key of RSA", "a public key of a curve"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_token_is_known_by(string kind)
    {
        var key = Of(kind);
        using var site = UpstreamReader.Of(key);
        var access = key.Sign();

        var answer = await site.ReadAsync(access);

        Assert.Equal((UpstreamStatus.Granted, "issuer.example:8443|7"), (answer?.Status, answer?.User?.Value));
        Assert.Equal((access, "a refresh token"), (answer!.Tokens!.Access, answer.Tokens.Refresh));
        Assert.Equal(0, site.Set.Fetched);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_token_that_another_key_has_signed_is_not_the_issuers(string kind)
    {
        using var site = UpstreamReader.Of(Of(kind));
        var parts = Of(kind).Sign().Split('.');
        var other = kind switch
        {
            "a shared secret" => IssuerKey.Secret("a secret that the issuer shares with others"),
            "a public key of RSA" => IssuerKey.Rsa(),
            _ => IssuerKey.Curve(),
        };

        Assert.Null(await site.ReadAsync(other.Sign()));
        Assert.Null(await site.ReadAsync($"{parts[0]}.{Encode("""{"exp":2,"iat":1,"user_id":"1"}""")}.{parts[2]}"));
        Assert.Null(await site.ReadAsync($"{parts[0]}.{parts[1]}."));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_token_without_a_signature_is_nobodys(string kind)
    {
        using var site = UpstreamReader.Of(Of(kind));
        var payload = Of(kind).Sign().Split('.')[1];

        Assert.Null(await site.ReadAsync($"{Encode("""{"alg":"none","typ":"JWT"}""")}.{payload}."));
        Assert.Null(await site.ReadAsync($"{Encode("""{"typ":"JWT"}""")}.{payload}."));
    }

    /// <summary>As a settings file may hold it.</summary>
    [Fact]
    public async Task A_public_key_may_be_indented()
    {
        using var site = UpstreamReader.Of(Curve with { Text = $"\n  {Curve.Text}" });

        Assert.NotNull(await site.ReadAsync(Curve.Sign()));
    }

    /// <summary>RFC 8725, section 2.1: what everybody may know is no secret.</summary>
    [Theory]
    [InlineData("a public key of RSA")]
    [InlineData("a public key of a curve")]
    public async Task A_public_key_is_no_secret_to_sign_with(string kind)
    {
        using var site = UpstreamReader.Of(Of(kind));

        Assert.Null(await site.ReadAsync(IssuerKey.Secret(Of(kind).Text).Sign()));
    }

    [Fact]
    public async Task An_algorithm_that_is_not_on_the_list_is_not_accepted()
    {
        using var site = UpstreamReader.Of(Rsa);

        Assert.NotNull(await site.ReadAsync((Rsa with { Algorithm = SecurityAlgorithms.RsaSha512 }).Sign()));
        Assert.Null(await site.ReadAsync((Rsa with { Algorithm = SecurityAlgorithms.RsaSsaPssSha256 }).Sign()));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("access")]
    [InlineData("a.b.c")]
    [InlineData("..")]
    [InlineData("e30.e30.e30")]
    public async Task What_is_no_token_is_not_read(string access) => Assert.Null(await reader.ReadAsync(access));

    [Theory]
    [InlineData("access", true)]
    [InlineData(null, true)]
    [InlineData("refresh", false)]
    [InlineData("sliding", false)]
    [InlineData("Access", false)]
    [InlineData("", false)]
    public async Task Only_an_access_token_is_one(string? type, bool isOne) =>
        Assert.Equal(isOne, await reader.ReadAsync(Shared.Sign(("token_type", type))) is not null);

    public static TheoryData<string, string> Times => new()
    {
        { "exp", "" },
        { "iat", "" },
        { "exp", "\"soon\"" },
        { "iat", "\"now\"" },
        { "iat", "{}" },
        { "exp", "[]" },
        { "exp", "1893499200" },
        { "exp", "1893499199" },
        { "exp", "0" },
        { "exp", "-1" },
    };

    /// <summary>It is issued at 1893499200.</summary>
    [Theory]
    [MemberData(nameof(Times))]
    public async Task A_token_that_does_not_tell_how_long_it_lasts_is_not_read(string claim, string value) =>
        Assert.Null(await reader.ReadAsync(Shared.Sign((claim, value.Length == 0 ? null : JsonElement.Parse(value)))));

    /// <summary>The issuer's clock is off, and its opinion of how long the token lasts is right.</summary>
    [Theory]
    [InlineData("00:00:00")]
    [InlineData("05:00:00")]
    [InlineData("-05:00:00")]
    [InlineData("-3650.00:00:00")]
    public async Task How_long_a_token_lasts_counts_from_its_arrival(string off)
    {
        var issued = (reader.Time.GetUtcNow() + TimeSpan.Parse(off, null)).ToUnixTimeSeconds();
        reader.Time.Advance(TimeSpan.FromSeconds(1.5));

        var answer = await reader.ReadAsync(Shared.Sign(("iat", issued), ("exp", issued + 90)));

        Assert.Equal(reader.Time.GetUtcNow() + TimeSpan.FromSeconds(90), answer?.Tokens?.ExpiresAt);
    }

    [Fact]
    public async Task The_time_that_it_takes_to_fetch_the_keys_is_the_tokens_own()
    {
        var key = IssuerKey.Curve("a");
        using var site = UpstreamReader.OfSet(key);
        var arrived = site.Time.GetUtcNow();
        site.Set.Instead = () =>
        {
            site.Time.Advance(TimeSpan.FromSeconds(4));
            return StubKeySet.Answer(JsonSerializer.Serialize(new { keys = new[] { key.Entry } }));
        };

        var answer = await site.ReadAsync(key.Sign());

        Assert.Equal(arrived + IssuerKey.Lifetime, answer?.Tokens?.ExpiresAt);
    }

    public static TheoryData<string, string, string?> Subjects => new()
    {
        { "\"7\"", "", "7" },
        { "7", "", "7" },
        { "", "\"7\"", "7" },
        { "\"7\"", "\"8\"", "7" },
        { "\"\"", "\"8\"", "8" },
        { $"\"{new string('x', 64)}\"", "", new string('x', 64) },
        { $"\"{new string('x', 65)}\"", "", null },
        { "", $"\"{new string('x', 65)}\"", null },
        { "\"\"", "", null },
        { "", "\"\"", null },
        { "", "", null },
    };

    /// <summary>Simple JWT says <c>user_id</c>; its <c>USER_ID_CLAIM</c> may be set to <c>sub</c>.</summary>
    [Theory]
    [MemberData(nameof(Subjects))]
    public async Task A_token_names_somebody(string id, string sub, string? subject)
    {
        var answer = await reader.ReadAsync(Shared.Sign(
            ("user_id", id.Length == 0 ? null : JsonElement.Parse(id)), ("sub", sub.Length == 0 ? null : JsonElement.Parse(sub))));

        Assert.Equal(subject is null ? null : $"issuer.example:8443|{subject}", answer?.User?.Value);
    }

    [Theory]
    [InlineData("https://accounts.example", "https://accounts.example|7")]
    [InlineData("accounts", "accounts|7")]
    [InlineData("", "issuer.example:8443|7")]
    [InlineData(null, "issuer.example:8443|7")]
    public async Task An_issuer_that_does_not_name_itself_is_named_by_its_address(string? issuer, string user) =>
        Assert.Equal(user, (await reader.ReadAsync(Shared.Sign(("iss", issuer))))?.User?.Value);

    [Theory]
    [InlineData("ada", "Ada Lovelace", "ada")]
    [InlineData(null, "Ada Lovelace", "Ada Lovelace")]
    [InlineData("", "Ada Lovelace", "Ada Lovelace")]
    [InlineData(" ", "Ada Lovelace", "Ada Lovelace")]
    [InlineData(null, null, "whoever signed in")]
    [InlineData("", " ", "whoever signed in")]
    public async Task A_person_is_called_what_the_token_says(string? userName, string? name, string called) => Assert.Equal(
        called, (await reader.ReadAsync(Shared.Sign(("username", userName), ("name", name))))?.Tokens?.Name);

    [Fact]
    public async Task Roles_are_gathered_from_all_that_issuers_call_them()
    {
        var answer = await reader.ReadAsync(Shared.Sign(
            ("role", "Baker"), ("roles", JsonElement.Parse("""["Admin","Baker"]""")), ("groups", JsonElement.Parse("""["Staff"]""")),
            ("scope", "bread"), ("Role", "King")));

        Assert.Equal(["Admin", "Baker", "Staff"], answer!.Tokens!.Roles.Order());
    }

    [Fact]
    public async Task A_token_without_roles_gives_none()
    {
        Assert.Empty((await reader.ReadAsync(Shared.Sign()))!.Tokens!.Roles);
        Assert.Empty((await reader.ReadAsync(Shared.Sign(("groups", Array.Empty<string>()))))!.Tokens!.Roles);
    }

    private static IssuerKey Of(string kind) => kind switch
    {
        "a shared secret" => Shared,
        "a public key of RSA" => Rsa,
        _ => Curve,
    };

    private static string Encode(string json) => Base64UrlEncoder.Encode(json);
}
