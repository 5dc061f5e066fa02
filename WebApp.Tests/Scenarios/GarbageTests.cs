using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>Scenarios 44, 45 and 54: whatever cookies and addresses arrive.</summary>
public sealed class GarbageTests
{
    [Fact]
    public async Task Garbage_cookies_of_every_kind_lead_to_sign_in_or_401_and_cost_no_statement()
    {
        await using var site = Site.Start();
        using var ada = await Visitor.SignedInAsync(site);
        var genuine = ada.Pair;
        site.Database.Forget();
        using var visitor = new Visitor(site);

        foreach (var (name, access, refresh) in Forgeries(site, genuine))
        {
            (string, string) cookie = ("Cookie", $"access_token={access}; refresh_token={refresh}");
            using var page = await visitor.GetAsync("/notes", cookie);
            using var program = await visitor.GetAsync("/api/me", cookie);

            Assert.True(page.AsksToSignIn(), $"{name}: the page answered {page.StatusCode}.");
            Assert.True(program.StatusCode == HttpStatusCode.Unauthorized, $"{name}: the program got {program.StatusCode}.");
            Assert.False(page.TouchesTokens() || program.TouchesTokens(), $"{name}: cookies were touched.");
        }

        Assert.Empty(site.Database.Statements);
        Assert.Null((await site.TheSessionAsync()).RevokedAt);
    }

    [Fact]
    public async Task A_flood_of_one_dead_token_asks_the_database_once_a_minute()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);
        site.Leap(TimeSpan.FromDays(20));
        var recorded = site.Database.NextAsync("INSERT INTO \"SecurityEvents\"");
        using var first = await visitor.GetAsync("/api/me");
        await recorded;
        site.Database.Forget();

        for (var time = 0; time < 100; time++)
        {
            using var answer = await visitor.GetAsync("/api/me");
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        }

        Assert.Empty(site.Database.Statements);
        site.Leap(TimeSpan.FromMinutes(1));
        using var later = await visitor.GetAsync("/api/me");
        Assert.NotEmpty(site.Database.Statements);
    }

    [Theory]
    [InlineData("https://elsewhere.example/")]
    [InlineData("//elsewhere.example")]
    [InlineData("/\\elsewhere.example")]
    [InlineData("\\\\elsewhere.example")]
    [InlineData("javascript:alert(1)")]
    [InlineData("/%09/elsewhere.example")]
    [InlineData("http:elsewhere.example")]
    [InlineData("~//elsewhere.example")]
    [InlineData(" ")]
    public async Task A_return_address_that_is_not_of_this_site_is_dropped(string returnUrl)
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);

        using var answer = await visitor.GetAsync("/login?returnUrl=" + Uri.EscapeDataString(returnUrl));

        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        var target = new Uri(site.Address, answer.Headers.Location!);
        Assert.Equal(site.Address.Authority, target.Authority);
    }

    [Fact]
    public async Task A_return_address_may_hold_any_letter()
    {
        await using var site = Site.Start();
        using var visitor = await Visitor.SignedInAsync(site);

        using var answer = await visitor.GetAsync("/login?returnUrl=%2Fnotes%3Fa%3D%E4%BD%A0%2520%26b%3D%C3%BC");

        Assert.Equal("/notes?a=%E4%BD%A0%20&b=%C3%BC", answer.Headers.Location!.OriginalString);
    }

    [Fact]
    public async Task No_combination_of_cookies_and_addresses_makes_a_redirect_loop()
    {
        await using var site = Site.Start();
        using var ada = await Visitor.SignedInAsync(site);
        var valid = ada.Pair;
        CookiePair[] pairs =
        [
            new(null, null), valid, valid.WithoutAccess(), valid.WithoutRefresh(), new("x", "x"), new(valid.Access, "x"),
            new("x", valid.Refresh), new(valid.Refresh, valid.Access),
        ];
        string[] paths = ["/", "/notes", "/login", "/login?returnUrl=%2Flogin", "/login?returnUrl=%2Flogin%3FreturnUrl%3D%252Flogin", "/logout", "/register"];
        foreach (var pair in pairs)
        {
            foreach (var path in paths)
            {
                using var visitor = new Visitor(site) { Pair = pair };
                var next = path;
                var hops = 0;
                for (; next is not null && hops < 10; hops++)
                {
                    using var answer = await visitor.GetAsync(next);
                    next = answer.Headers.Location?.OriginalString;
                }

                Assert.True(hops < 5, $"{path} redirected {hops} times.");
            }
        }
    }

    private static IEnumerable<(string Name, string Access, string Refresh)> Forgeries(Site site, CookiePair genuine)
    {
        var (access, refresh) = (genuine.Access!, genuine.Refresh!);
        yield return ("each in the other's place", refresh, access);
        yield return ("empty", "", "");
        yield return ("8 KB", new string('a', 8192), new string('b', 8192));
        yield return ("wrong encoding", "%FF%FE%00", "%F0%9F%92%A9");
        yield return ("quotes and dots", "\"...\"", "\"..\"");
        yield return ("three empty parts", "..", "..");
        yield return ("truncated", access[..^10], refresh[..^10]);
        for (var position = 0; position < refresh.Length; position += 7)
        {
            yield return ($"bit flipped at {position}", Flip(access, position), Flip(refresh, position));
        }

        var parts = access.Split('.');
        yield return ("alg none", $"{Encode("""{"alg":"none","typ":"at+jwt"}""")}.{parts[1]}.", "x");
        yield return ("alg none with a signature", $"{Encode("""{"alg":"none","typ":"at+jwt"}""")}.{parts[1]}.{parts[2]}", "x");
        yield return ("another site's JWT", Resign(access, NewKey(), SecurityAlgorithms.EcdsaSha256), "x");
        var publicKey = site.Services.GetRequiredService<SigningKeys>().PublicKeys.Single();
        yield return ("the public key as HMAC secret", Resign(access, PublicKeyAsSecret(publicKey), SecurityAlgorithms.HmacSha256), "x");
    }

    private static string Flip(string text, int position)
    {
        position = Math.Min(position, text.Length - 2);
        return $"{text[..position]}{(text[position] == 'A' ? 'B' : 'A')}{text[(position + 1)..]}";
    }

    private static string Encode(string json) => Base64UrlEncoder.Encode(json);

    private static ECDsaSecurityKey NewKey() => new(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    private static SymmetricSecurityKey PublicKeyAsSecret(JsonWebKey key)
    {
        using var ecdsa = ECDsa.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = new ECPoint { X = Base64UrlEncoder.DecodeBytes(key.X), Y = Base64UrlEncoder.DecodeBytes(key.Y) },
        });
        return new SymmetricSecurityKey(Encoding.ASCII.GetBytes(ecdsa.ExportSubjectPublicKeyInfoPem()));
    }

    private static string Resign(string token, SecurityKey key, string algorithm)
    {
        var original = new JsonWebToken(token);
        key.KeyId = original.Kid;
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(
            Base64UrlEncoder.Decode(original.EncodedPayload),
            new SigningCredentials(key, algorithm),
            new Dictionary<string, object> { ["typ"] = "at+jwt" });
    }
}
