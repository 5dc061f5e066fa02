using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace WebApp.Tests.Fixtures;

/// <summary>
/// An authenticator app (RFC 6238, with the values that every app uses). By the clock on the wall: Identity checks codes by the
/// machine's clock and can be given no other, so that the clock of a <see cref="Site"/> that stands still has no say in them.
/// </summary>
/// <param name="key">As the page shows it, in groups.</param>
internal sealed class Authenticator(string key)
{
    private const int Step = 30;
    private const string Base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    /// <summary>Turns two-step verification on for whoever is signed in at this browser.</summary>
    /// <returns>The app, which has given its code of the step before, and the recovery codes.</returns>
    public static async Task<(Authenticator App, IReadOnlyList<string> RecoveryCodes)> TurnOnAsync(
        Visitor visitor, string password = "Correct-Horse-1")
    {
        var app = await BeginAsync(visitor);
        var page = await visitor.SubmitAsync("form[action*='On']", ("code", app.Code(-1)), ("password", password));
        List<string> codes = [.. page.QuerySelectorAll(".codes code").Select(code => code.TextContent)];
        return codes.Count > 0 ? (app, codes) : throw new InvalidOperationException($"It was not turned on: {page.Body?.TextContent}");
    }

    /// <summary>Begins to set an app up, and reads the key from the page.</summary>
    public static async Task<Authenticator> BeginAsync(Visitor visitor)
    {
        await visitor.OpenAsync("/account/two-step");
        var page = await visitor.SubmitAsync("form[action*='Begin']");
        return new Authenticator(page.QuerySelector("#key")?.TextContent
            ?? throw new InvalidOperationException($"There is no key on {page.Url}: {page.Body?.TextContent}"));
    }

    /// <param name="later">How many steps of 30 seconds later; Identity takes those of two before and after.</param>
    public string Code(int later = 0)
    {
        var counter = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(counter, (The.WallClock.GetUtcNow().ToUnixTimeSeconds() / Step) + later);
        var hash = HMACSHA1.HashData(Bytes(), counter);
        var number = BinaryPrimitives.ReadInt32BigEndian(hash.AsSpan(hash[^1] & 0xf)) & int.MaxValue;
        return (number % 1_000_000).ToString("D6", CultureInfo.InvariantCulture);
    }

    /// <summary>A code that is none of those taken now.</summary>
    public string WrongCode() => Enumerable.Range(0, 1_000_000)
        .Select(number => number.ToString("D6", CultureInfo.InvariantCulture))
        .First(code => Enumerable.Range(-4, 9).All(later => Code(later) != code));

    private byte[] Bytes()
    {
        var bytes = new List<byte>();
        var (bits, held) = (0, 0);
        foreach (var letter in key.Where(letter => letter != ' ').Select(char.ToUpperInvariant))
        {
            (bits, held) = ((bits << 5) | Base32.IndexOf(letter, StringComparison.Ordinal), held + 5);
            if (held >= 8)
            {
                held -= 8;
                bytes.Add((byte)(bits >> held));
                bits &= (1 << held) - 1;
            }
        }

        return [.. bytes];
    }
}
