using System.Text;
using Microsoft.AspNetCore.DataProtection;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Tokens;

/// <summary>A refresh token names one generation of one session, and only this site can write the name (scenario 44).</summary>
public sealed class RefreshTokenTests
{
    private const string Purpose = "WebApp.Tokens.RefreshToken.v1";

    private readonly EphemeralDataProtectionProvider protection = new EphemeralDataProtectionProvider();
    private readonly RefreshTokens tokens;

    public RefreshTokenTests() => tokens = new RefreshTokens(protection);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(int.MaxValue - 1)]
    public void What_was_protected_reads_as_the_same_name(int generation)
    {
        var token = new RefreshToken(SessionId.New(), new Generation(generation), new UserId("a.user.with.dots"));

        Assert.Equal(token, tokens.Read(tokens.Protect(token)));
    }

    [Fact]
    public void Two_protections_of_one_generation_differ_and_are_the_same_token()
    {
        var token = Some.RefreshToken();
        var (one, other) = (tokens.Protect(token), tokens.Protect(token));

        Assert.NotEqual(one, other);
        Assert.Equal(tokens.Read(one), tokens.Read(other));
    }

    /// <summary>Browsers drop a cookie beyond 4096 bytes, and <see cref="RefreshTokens.MaxLength"/> must let every real one pass.</summary>
    [Fact]
    public void A_token_fits_well_into_a_cookie()
    {
        var longest = new RefreshToken(SessionId.New(), new Generation(int.MaxValue - 1), new UserId(new string('u', 256)));

        Assert.InRange(tokens.Protect(longest).Length, 1, RefreshTokens.MaxLength / 2);
    }

    [Fact]
    public void A_token_longer_than_any_of_ours_is_not_looked_at()
    {
        var token = Some.RefreshToken() with { User = new UserId(new string('u', RefreshTokens.MaxLength)) };

        Assert.Null(tokens.Read(tokens.Protect(token)));
    }

    [Fact]
    public void A_token_does_not_show_what_it_names()
    {
        var token = Some.RefreshToken();
        var text = tokens.Protect(token);

        Assert.DoesNotContain(token.Session.ToString(), text);
        Assert.DoesNotContain(token.User.Value, text);
        Assert.DoesNotContain(token.Session.ToString(), Encoding.UTF8.GetString(Convert.FromBase64String(Padded(text))));
    }

    [Fact]
    public void Changed_cut_or_made_up_tokens_are_refused()
    {
        var text = tokens.Protect(Some.RefreshToken());
        var random = new Random(44);
        for (var position = 0; position < text.Length; position++)
        {
            var other = text[position] == 'A' ? 'B' : 'A';
            string[] spoiled =
            [
                $"{text[..position]}{other}{text[(position + 1)..]}", $"{text[..position]}.{text[(position + 1)..]}",
                $"{text[..position]}🍪{text[(position + 1)..]}", text[..position], text[(position + 1)..], text.Insert(position, "A"),
            ];
            Assert.All(spoiled, each => Assert.Null(tokens.Read(each)));
        }

        var bytes = Convert.FromBase64String(Padded(text));
        for (var position = 0; position < bytes.Length; position++)
        {
            var changed = (byte[])bytes.Clone();
            changed[position] ^= (byte)random.Next(1, 256);
            Assert.Null(tokens.Read(Url(changed)));
        }

        for (var round = 0; round < 1_000; round++)
        {
            var garbage = new byte[random.Next(1, 300)];
            random.NextBytes(garbage);
            Assert.Null(tokens.Read(Url(garbage)));
            Assert.Null(tokens.Read(Encoding.Unicode.GetString(garbage)));
            Assert.Null(tokens.Read(Url([.. bytes[..20], .. garbage])));
        }

        string?[] made =
        [
            null, "", " ", ".", "🍪", "\ud83d", "\0", text + text, text.ToUpperInvariant(), Convert.ToHexString(bytes),
            Convert.ToBase64String(bytes) + "=", text.PadRight(RefreshTokens.MaxLength + 1, 'A'), new string('A', RefreshTokens.MaxLength),
            new string('A', 8192), new string('A', 1_000_000),
            Url(Encoding.UTF8.GetBytes($"{SessionId.New()}.0.u")), $"{SessionId.New()}.0.u",
        ];
        Assert.All(made, each => Assert.Null(tokens.Read(each)));
    }

    [Fact]
    public void What_was_protected_for_another_purpose_or_by_another_ring_is_refused()
    {
        var name = $"{SessionId.New()}.1.u";
        Assert.NotNull(tokens.Read(protection.CreateProtector(Purpose).Protect(name)));

        Assert.Null(tokens.Read(protection.CreateProtector("WebApp.Storage.SigningKey.v1").Protect(name)));
        Assert.Null(tokens.Read(protection.CreateProtector(Purpose, "more").Protect(name)));
        Assert.Null(tokens.Read(protection.CreateProtector(Purpose).ToTimeLimitedDataProtector().Protect(name)));
        Assert.Null(tokens.Read(new EphemeralDataProtectionProvider().CreateProtector(Purpose).Protect(name)));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("x.1.u")]
    [InlineData("{0}")]
    [InlineData("{0}.1")]
    [InlineData("{0}..u")]
    [InlineData("{0}.-1.u")]
    [InlineData("{0}.+1.u")]
    [InlineData("{0}. 1.u")]
    [InlineData("{0}.1e3.u")]
    [InlineData("{0}.2147483647.u")]
    [InlineData("{0}.2147483648.u")]
    [InlineData("{0}.x.u")]
    [InlineData("{0}.1.")]
    [InlineData("{{{0}}}.1.u")]
    public void A_name_that_is_none_is_refused_even_under_our_own_protection(string format) =>
        Assert.Null(tokens.Read(protection.CreateProtector(Purpose).Protect(
            string.Format(System.Globalization.CultureInfo.InvariantCulture, format, SessionId.New()))));

    [Fact]
    public void Neither_token_passes_for_the_other()
    {
        using var mint = new Mint();

        Assert.Null(tokens.Read(mint.Issue()));
        Assert.Null(mint.Read(tokens.Protect(Some.RefreshToken())));
    }

    private static string Padded(string text) =>
        text.Replace('-', '+').Replace('_', '/').PadRight((text.Length + 3) / 4 * 4, '=');

    private static string Url(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}
