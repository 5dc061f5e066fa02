using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.IdentityModel.Tokens;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Upstream;

/// <summary>A key set is fetched when there is a reason, and nothing in it is taken for more than it is.</summary>
public sealed class UpstreamKeysTests
{
    private static readonly IssuerKey A = IssuerKey.Rsa("a");
    private static readonly IssuerKey B = IssuerKey.Curve("b");

    private static TimeSpan Pause => TimeSpan.FromSeconds(10);

    [Fact]
    public async Task A_set_is_fetched_once()
    {
        using var site = UpstreamReader.OfSet(A, B);

        Assert.NotNull(await site.ReadAsync(A.Sign()));
        site.Time.Advance(TimeSpan.FromDays(30));
        Assert.NotNull(await site.ReadAsync(A.Sign()));
        Assert.NotNull(await site.ReadAsync(B.Sign()));

        Assert.Equal(1, site.Set.Fetched);
    }

    [Fact]
    public async Task A_key_that_is_not_in_the_set_is_looked_for_every_ten_seconds_at_most()
    {
        using var site = UpstreamReader.OfSet(A);
        await site.ReadAsync(A.Sign());
        site.Set.Keys = [A, B];

        site.Time.Advance(Pause - TimeSpan.FromTicks(1));
        Assert.Null(await site.ReadAsync(B.Sign()));
        Assert.Equal(1, site.Set.Fetched);

        site.Time.Advance(TimeSpan.FromTicks(1));
        Assert.NotNull(await site.ReadAsync(B.Sign()));
        Assert.Equal(2, site.Set.Fetched);
    }

    /// <summary>Anybody can name one.</summary>
    [Fact]
    public async Task A_key_that_nobody_has_is_looked_for_every_ten_seconds_at_most()
    {
        using var site = UpstreamReader.OfSet(A);
        for (var second = 0; second < 21; second++)
        {
            Assert.Null(await site.ReadAsync(B.Sign()));
            site.Time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(3, site.Set.Fetched);
    }

    [Fact]
    public async Task Many_who_meet_an_unknown_key_fetch_the_set_once()
    {
        using var site = UpstreamReader.OfSet(A);
        site.Set.Before = new Gate();

        var answers = Enumerable.Range(0, 20).Select(_ => site.ReadAsync(A.Sign())).ToList();
        await site.Set.Before.Arrived;
        site.Set.Before.Open();

        Assert.All(await Task.WhenAll(answers), Assert.NotNull);
        Assert.Equal(1, site.Set.Fetched);
    }

    [Fact]
    public async Task A_token_that_names_no_key_is_judged_by_all_that_are_known()
    {
        using var site = UpstreamReader.OfSet(A, B);
        var nameless = B with { Key = new ECDsaSecurityKey(((ECDsaSecurityKey)B.Key).ECDsa) };

        Assert.NotNull(await site.ReadAsync(nameless.Sign()));
        site.Time.Advance(Pause);
        Assert.NotNull(await site.ReadAsync(nameless.Sign()));
        Assert.Null(await site.ReadAsync(IssuerKey.Curve().Sign()));

        Assert.Equal(1, site.Set.Fetched);
    }

    /// <summary>Whatever it says of itself, it can be nobody's.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("access")]
    [InlineData("a.b.c")]
    [InlineData("..")]
    [InlineData("a.b.c.d.e")]
    [InlineData("eyJhbGciOiJSUzI1NiJ9.e30")]
    [InlineData("eyJhbGciOiJSUzI1NiJ9.AAAA.AAAA")]
    [InlineData("W10.e30.AAAA")]
    public async Task What_is_no_token_is_nobodys_and_fetches_nothing(string access)
    {
        using var site = UpstreamReader.OfSet(A);

        Assert.Null(await site.ReadAsync(access));

        Assert.Equal(0, site.Set.Fetched);
    }

    public static TheoryData<string> Troubles => ["away", "late", "500", "a page", "a list", "an unknown charset"];

    [Theory]
    [MemberData(nameof(Troubles))]
    public async Task A_set_that_cannot_be_read_is_asked_for_again_later(string trouble)
    {
        using var site = UpstreamReader.OfSet(A);
        site.Set.Instead = () => Answer(trouble);

        Assert.Null(await site.ReadAsync(A.Sign()));
        site.Set.Instead = null;
        Assert.Null(await site.ReadAsync(A.Sign()));
        Assert.Equal(1, site.Set.Fetched);
        Assert.Single(site.Logs.Entries, entry => entry.Event.Id == LogEvents.UpstreamKeysNotFetched);

        site.Time.Advance(Pause);
        Assert.NotNull(await site.ReadAsync(A.Sign()));
        Assert.Equal(2, site.Set.Fetched);
    }

    [Theory]
    [MemberData(nameof(Troubles))]
    public async Task A_set_that_cannot_be_read_takes_nothing_from_what_is_known(string trouble)
    {
        using var site = UpstreamReader.OfSet(A);
        await site.ReadAsync(A.Sign());
        site.Set.Instead = () => Answer(trouble);
        site.Time.Advance(Pause);

        Assert.Null(await site.ReadAsync(B.Sign()));
        Assert.NotNull(await site.ReadAsync(A.Sign()));

        Assert.Equal(2, site.Set.Fetched);
    }

    [Fact]
    public async Task A_key_that_is_none_takes_nothing_from_the_others()
    {
        var broken = new Dictionary<string, string> { ["kty"] = "RSA", ["kid"] = "c", ["n"] = "%", ["e"] = "AQAB" };
        using var site = UpstreamReader.OfSet(B with { Entry = broken }, A);

        Assert.NotNull(await site.ReadAsync(A.Sign()));
    }

    [Fact]
    public async Task Whoever_gives_up_waiting_for_a_set_ends_nobody_elses_wait()
    {
        using var site = UpstreamReader.OfSet(A);
        site.Set.Before = new Gate();
        using var patience = new CancellationTokenSource();
        var first = site.ReadAsync(A.Sign(), patience.Token);
        await site.Set.Before.Arrived;
        var second = site.ReadAsync(A.Sign());

        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        await site.Set.Before.ArrivedAsync(2);
        site.Set.Before.Open();

        Assert.NotNull(await second);
        Assert.DoesNotContain(site.Logs.Entries, entry => entry.Event.Id == LogEvents.UpstreamKeysNotFetched);
    }

    /// <summary>RFC 8725, section 3.1: everybody may read the set.</summary>
    [Theory]
    [InlineData("s")]
    [InlineData(null)]
    public async Task A_secret_in_a_set_is_none(string? id)
    {
        var secret = IssuerKey.Secret("a secret that everybody can read in the set", id);
        using var site = UpstreamReader.OfSet(A, secret);

        Assert.Null(await site.ReadAsync(secret.Sign()));
        Assert.NotNull(await site.ReadAsync(A.Sign()));
    }

    [Theory]
    [InlineData("the public key as a secret")]
    [InlineData("another kind of key")]
    [InlineData("another key of that kind")]
    public async Task The_name_of_a_key_is_no_proof_of_it(string forged)
    {
        var other = forged switch
        {
            "the public key as a secret" => IssuerKey.Secret(A.Text, "a"),
            "another kind of key" => IssuerKey.Curve("a"),
            _ => IssuerKey.Rsa("a"),
        };
        using var site = UpstreamReader.OfSet(A, B);

        Assert.Null(await site.ReadAsync(other.Sign()));
        Assert.NotNull(await site.ReadAsync(A.Sign()));
        Assert.Equal(1, site.Set.Fetched);
    }

    private static HttpResponseMessage Answer(string trouble) => trouble switch
    {
        "away" => throw new HttpRequestException("Nobody listens there."),
        "late" => throw new TaskCanceledException("It took too long."),
        "500" => new HttpResponseMessage(HttpStatusCode.InternalServerError),
        "a page" => StubKeySet.Answer("<!doctype html><title>Please wait</title>"),
        "a list" => StubKeySet.Answer("""[{"kty":"RSA"}]"""),
        _ => new HttpResponseMessage(HttpStatusCode.OK)
        {
            Content = new ByteArrayContent(Encoding.UTF8.GetBytes("<p>Please wait</p>"))
            {
                Headers = { ContentType = new MediaTypeHeaderValue("text/html", "nonsense") },
            },
        },
    };
}
