using System.Security.Claims;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Tokens;

/// <summary>What is issued, and that it can be read (contract, "Claims in the access token").</summary>
public sealed class AccessTokenTests
{
    [Theory]
    [InlineData("ES256")]
    [InlineData("RS256")]
    [InlineData("HS256")]
    public void What_was_issued_reads_as_what_was_granted(string algorithm)
    {
        using var mint = new Mint(algorithm);
        var grant = Some.Grant(generation: 7, "Admin", "Editor");

        var token = mint.Read(mint.Issue(grant));

        Assert.NotNull(token);
        Assert.Equal((grant.User, grant.Session, grant.Generation), (token.User, token.Session, token.Generation));
        Assert.Equal(grant.AuthenticatedAt, token.AuthenticatedAt);
        var principal = token.CreatePrincipal();
        Assert.True(principal.Identity!.IsAuthenticated);
        Assert.Equal("ada", principal.Identity.Name);
        Assert.True(principal.IsInRole("Admin") && principal.IsInRole("Editor") && !principal.IsInRole("admin"));
    }

    [Theory]
    [InlineData("ES256")]
    [InlineData("RS256")]
    [InlineData("HS256")]
    public void A_token_says_what_the_contract_lists_and_nothing_else(string algorithm)
    {
        using var mint = new Mint(algorithm);
        var grant = Some.Grant(3, "Admin");
        var parts = mint.Issue(grant).Split('.');

        var header = Json(parts[0]);
        Assert.Equal(["alg", "kid", "typ"], Names(header));
        Assert.Equal(algorithm, header.GetProperty("alg").GetString());
        Assert.Equal(mint.Key.Key.KeyId, header.GetProperty("kid").GetString());
        Assert.Equal("at+jwt", header.GetProperty("typ").GetString());

        var payload = Json(parts[1]);
        Assert.Equal(
            ["aud", "auth_time", "exp", "gen", "iat", "iss", "jti", "name", "role", "sid", "sub", "token_type"], Names(payload));
        Assert.Equal("WebApp", payload.GetProperty("iss").GetString());
        Assert.Equal("WebApp", payload.GetProperty("aud").GetString());
        Assert.Equal(grant.User.Value, payload.GetProperty("sub").GetString());
        Assert.Equal(grant.Session.ToString(), payload.GetProperty("sid").GetString());
        Assert.Equal(3, payload.GetProperty("gen").GetInt32());
        Assert.Equal(The.Beginning.ToUnixTimeSeconds(), payload.GetProperty("iat").GetInt64());
        Assert.Equal(grant.AuthenticatedAt.ToUnixTimeSeconds(), payload.GetProperty("auth_time").GetInt64());
        Assert.Equal("access", payload.GetProperty("token_type").GetString());
        Assert.Equal("ada", payload.GetProperty("name").GetString());
        Assert.Equal("Admin", Assert.Single(payload.GetProperty("role").EnumerateArray()).GetString());
    }

    [Fact]
    public void Two_tokens_of_one_grant_have_different_ids()
    {
        using var mint = new Mint();
        var grant = Some.Grant();
        string Id() => Json(mint.Issue(grant).Split('.')[1]).GetProperty("jti").GetString()!;

        Assert.NotEqual(Id(), Id());
    }

    /// <summary>Another node's clock may be a little ahead (protocol, "Rotation").</summary>
    [Fact]
    public void A_token_from_the_future_is_read()
    {
        using var mint = new Mint();
        mint.Time.Advance(TimeSpan.FromHours(1));
        var text = mint.Issue();
        mint.Time.AdjustTime(The.Beginning);

        Assert.NotNull(mint.Read(text));
    }

    /// <summary>The expired one tells whose lock to take; the door judges the time (scenario 29).</summary>
    [Fact]
    public void An_expired_token_reads_with_its_end()
    {
        using var mint = new Mint();
        var text = mint.Issue();
        mint.Time.Advance(TimeSpan.FromDays(1));

        Assert.True(mint.Read(text)!.ExpiresAt < mint.Time.GetUtcNow());
    }

    /// <summary>
    /// Shorter than (1 − Jitter) × AccessTokenLifetime, and a generation could move twice while cookies of an older one arrive
    /// (protocol, "Time").
    /// </summary>
    [Theory]
    [InlineData(0, 300_000)]
    [InlineData(0.05, 300_000)]
    [InlineData(0.5, 300_000)]
    [InlineData(0, 1_500)]
    [InlineData(0.05, 61_234)]
    public void A_life_keeps_to_its_limits_to_the_tick(double jitter, int lifetimeMilliseconds)
    {
        var lifetime = TimeSpan.FromMilliseconds(lifetimeMilliseconds);
        using var mint = new Mint(
            options => (options.Jitter, options.AccessTokenLifetime) = (jitter, lifetime), SigningKey.Create("HS256"));
        long[] odd = [0, 1, 5_000, 9_999, 10_000, 4_999_999, 9_990_001, 9_999_999];

        foreach (var ticks in Enumerable.Repeat(odd, 50).SelectMany(each => each))
        {
            mint.Time.AdjustTime(The.Beginning.AddTicks(ticks));
            var life = mint.Read(mint.Issue())!.ExpiresAt - mint.Time.GetUtcNow();

            Assert.InRange(life, lifetime * (1 - jitter), lifetime + TimeSpan.FromSeconds(1));
        }
    }

    [Fact]
    public void Jitter_spreads_the_ends_of_sessions_that_opened_together()
    {
        using var mint = new Mint(options => options.Jitter = 0.5, SigningKey.Create("HS256"));

        var ends = Enumerable.Range(0, 100).Select(_ => mint.Read(mint.Issue())!.ExpiresAt).Distinct();

        Assert.True(ends.Count() > 10);
    }

    /// <summary>Requests that show one token share what is remembered of it.</summary>
    [Fact]
    public void What_one_request_does_to_its_principal_no_other_sees()
    {
        using var mint = new Mint();
        var token = mint.Read(mint.Issue())!;

        ((ClaimsIdentity)token.CreatePrincipal().Identity!).AddClaim(new Claim(TokenClaims.Role, "Admin"));

        Assert.False(token.CreatePrincipal().IsInRole("Admin"));
    }

    [Fact]
    public void A_token_is_proved_once_in_each_way_however_many_try()
    {
        using var mint = new Mint();
        var text = mint.Issue();
        Assert.False(mint.Read(text)!.IsProved(SessionTransport.Cookie));

        var pairings = ParallelEnumerable.Range(0, 100).Count(_ => mint.Read(text)!.TryProve(SessionTransport.Cookie));

        Assert.Equal(1, pairings);
        Assert.True(mint.Read(text)!.IsProved(SessionTransport.Cookie));
        Assert.False(mint.Read(text)!.IsProved(SessionTransport.Body));
        Assert.True(mint.Read(text)!.TryProve(SessionTransport.Body));
    }

    [Fact]
    public void Neither_a_pair_nor_an_access_token_shows_a_token()
    {
        using var mint = new Mint();
        var grant = Some.Grant();
        var pair = new TokenPair(grant, mint.Issue(grant), "CfDJ8-a-refresh-token");
        string?[] shown = [pair.ToString(), $"{pair}", mint.Read(pair.AccessToken)!.ToString()];

        Assert.All(shown, text =>
        {
            Assert.Contains(grant.Session.ToString(), text);
            Assert.DoesNotContain(pair.RefreshToken, text);
            Assert.All(pair.AccessToken.Split('.'), part => Assert.DoesNotContain(part, text));
        });
    }

    /// <summary>A setting that changed signs nobody out.</summary>
    [Fact]
    public void Tokens_of_an_older_key_are_read_beside_those_of_the_current_one()
    {
        using var before = new Mint("ES256");
        using var after = new Mint(null, Mint.NewKey("RS256"), before.Key);

        Assert.NotNull(after.Read(before.Issue()));
        Assert.NotNull(after.Read(after.Issue()));
        Assert.Equal(["RS256", "ES256"], after.Keys.PublicKeys.Select(key => key.Alg));
    }

    [Theory]
    [InlineData("ES256")]
    [InlineData("RS256")]
    public void A_published_key_verifies_and_cannot_sign(string algorithm)
    {
        using var mint = new Mint(algorithm);

        var published = Assert.Single(mint.Keys.PublicKeys);

        Assert.False(published.HasPrivateKey);
        Assert.Equal((mint.Key.Key.KeyId, algorithm, "sig"), (published.Kid, published.Alg, published.Use));
        var (input, signature) = Cut(mint.Issue());
        var verifier = new CryptoProviderFactory().CreateForVerifying(published, algorithm);
        Assert.True(verifier.Verify(System.Text.Encoding.ASCII.GetBytes(input), Base64UrlEncoder.DecodeBytes(signature)));
    }

    [Fact]
    public void A_shared_secret_is_never_published()
    {
        using var mint = new Mint("HS256");

        Assert.Empty(mint.Keys.PublicKeys);
    }

    private static (string Input, string Signature) Cut(string text)
    {
        var dot = text.LastIndexOf('.');
        return (text[..dot], text[(dot + 1)..]);
    }

    private static JsonElement Json(string part) => JsonElement.Parse(Base64UrlEncoder.DecodeBytes(part));

    private static IEnumerable<string> Names(JsonElement json) =>
        json.EnumerateObject().Select(property => property.Name).Order(StringComparer.Ordinal);
}
