using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Api;

/// <summary>What a program that verifies our access tokens finds at <c>/.well-known/jwks.json</c> (RFC 7517).</summary>
public sealed class KeySetTests
{
    private static readonly DateTimeOffset End =
        DateTimeOffset.UnixEpoch + ((SigningPeriod.At(The.Beginning).Number + 1) * SigningPeriod.Length);

    [Theory]
    [InlineData("ES256", "EC")]
    [InlineData("RS256", "RSA")]
    public async Task It_holds_public_keys_and_may_be_kept_for_an_hour(string algorithm, string type)
    {
        await using var site = Site.Start(("Sessions:Algorithm", algorithm));
        using var visitor = new Visitor(site);

        using var answer = await visitor.GetAsync("/.well-known/jwks.json");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("application/jwk-set+json", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal("public, max-age=3600", answer.Headers.CacheControl?.ToString());
        var key = Assert.Single(await KeysAsync(answer));
        Assert.Equal((type, "sig", algorithm), (key["kty"], key["use"], key["alg"]));
        Assert.Equal(SigningPeriod.At(The.Beginning).KeyId(algorithm), key["kid"]);
        Assert.Empty(key.Keys.Intersect(["d", "p", "q", "dp", "dq", "qi", "k", "oth"]));
    }

    [Fact]
    public async Task A_shared_secret_is_never_published()
    {
        await using var site = Site.Start(("Sessions:Algorithm", "HS256"));
        using var visitor = new Visitor(site);

        using var answer = await visitor.GetAsync("/.well-known/jwks.json");

        Assert.Empty(await KeysAsync(answer));
    }

    /// <summary>A client that reads the set only once in all these days verifies every token nevertheless.</summary>
    [Fact]
    public async Task A_key_is_published_two_days_before_it_signs()
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site);
        await ReadAsync(site, End - SigningKeySchedule.Ahead);
        using var answer = await visitor.GetAsync("/.well-known/jwks.json");
        var set = new JsonWebKeySet(await answer.Content.ReadAsStringAsync());
        Assert.Equal(2, set.Keys.Count);

        List<string> signers = [];
        for (var moment = End - SigningKeySchedule.Ahead; moment <= End; moment += TimeSpan.FromHours(6))
        {
            await ReadAsync(site, moment);
            var token = site.Services.GetRequiredService<AccessTokenIssuer>().Issue(Some.Grant(), moment);
            var result = await new JsonWebTokenHandler().ValidateTokenAsync(token, new TokenValidationParameters
            {
                ValidIssuer = "WebApp",
                ValidAudience = "WebApp",
                ValidTypes = [TokenClaims.HeaderType],
                IssuerSigningKeys = set.Keys,
                LifetimeValidator = (_, _, _, _) => true,
            });
            Assert.True(result.IsValid, result.Exception?.Message);
            signers.Add(new JsonWebToken(token).Kid);
        }

        Assert.Equal(set.Keys.Select(key => key.Kid), signers.Distinct());
    }

    /// <summary>Scenario 26: the balancer must not send anybody to a node that takes the others' cookies for garbage.</summary>
    [Fact]
    public async Task A_node_with_other_Data_Protection_keys_is_not_ready_and_names_the_key()
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site);
        using var before = await visitor.GetAsync("/healthz/ready");
        await site.InDatabaseAsync(db => db.SigningKeys.ExecuteUpdateAsync(row => row.SetProperty(
            each => each.ProtectedMaterial,
            new EphemeralDataProtectionProvider().CreateProtector("WebApp.Storage.SigningKey.v1").Protect("a key"))));
        await ReadAsync(site, The.Beginning);

        using var after = await visitor.GetAsync("/healthz/ready");

        Assert.Equal(HttpStatusCode.OK, before.StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, after.StatusCode);
        var keys = (await after.JsonAsync()).GetProperty("dependencies").GetProperty("keys");
        Assert.Equal("Unhealthy", keys.GetProperty("status").GetString());
        Assert.Contains(SigningPeriod.At(The.Beginning).KeyId("ES256"), keys.GetProperty("description").GetString(), StringComparison.Ordinal);
        using var alive = await visitor.GetAsync("/healthz/live");
        Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
    }

    /// <summary>Scenario 18: whoever holds a token of a key that this node does not know is refreshed, and stays signed in.</summary>
    [Fact]
    public async Task A_genuine_token_of_an_unknown_key_is_refreshed()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        await site.InDatabaseAsync(db => db.SigningKeys.ExecuteDeleteAsync());
        await using var other = site.StartAnother();
        using var there = visitor.MoveTo(other);

        using var answer = await there.GetAsync("/notes");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.NotNull(answer.NewPair());
        Assert.Equal("0", visitor.Pair.Claim("gen"));
        Assert.Equal("1", there.Pair.Claim("gen"));
    }

    private static Task ReadAsync(Site site, DateTimeOffset time)
    {
        site.Time.AdjustTime(time);
        return site.Services.GetRequiredService<SigningKeyStore>().ReadAsync(CancellationToken.None);
    }

    private static async Task<List<Dictionary<string, string>>> KeysAsync(HttpResponseMessage answer) =>
        JsonSerializer.Deserialize<Dictionary<string, List<Dictionary<string, string>>>>(await answer.Content.ReadAsStringAsync())!["keys"];
}
