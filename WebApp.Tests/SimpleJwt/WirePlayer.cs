using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;

namespace WebApp.Tests.SimpleJwt;

/// <summary>Somebody who keeps, or should keep, Simple JWT's wire contract.</summary>
internal interface IWireTarget
{
    /// <summary>Neither follows redirects nor keeps cookies.</summary>
    HttpClient Client { get; }

    /// <summary>
    /// What a case calls by this name. Tokens are new each time: <c>access</c> and <c>refresh</c>; <c>expired</c>, <c>forged</c>,
    /// <c>unsigned</c>, <c>spent</c> and <c>blacklisted</c> refresh tokens; <c>expired-access</c> and <c>forged-access</c>;
    /// <c>access-of-blacklisted</c>; and <c>access-of-</c> and <c>refresh-of-</c> somebody who became <c>inactive</c> or was
    /// <c>deleted</c> since. Besides, <c>user</c> and <c>inactive</c>, with one <c>password</c>.
    /// </summary>
    Task<string> ResolveAsync(string name);
}

/// <summary>Plays a case against whoever it is.</summary>
internal static partial class WirePlayer
{
    public static async Task<WireAnswer> PlayAsync(this IWireTarget target, WireCase wire)
    {
        using var request = new HttpRequestMessage(wire.Method, wire.Path);
        request.Headers.Accept.ParseAdd(wire.Accept ?? "*/*");
        if (wire.Authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", await FillAsync(target, wire.Authorization));
        }

        if (wire.Body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(await FillAsync(target, wire.Body)));
            request.Content.Headers.ContentType = wire.ContentType is null ? null : MediaTypeHeaderValue.Parse(wire.ContentType);
        }

        using var answer = await target.Client.SendAsync(request);
        return await WireAnswer.ReadAsync(answer);
    }

    /// <summary>The token with another signature.</summary>
    public static string Forge(string token)
    {
        var middle = token.LastIndexOf('.') + 10;
        return token[..middle] + (token[middle] == 'A' ? 'B' : 'A') + token[(middle + 1)..];
    }

    private static async Task<string> FillAsync(IWireTarget target, string text)
    {
        var filled = new StringBuilder(text);
        foreach (var name in Names().Matches(text).Select(match => match.Groups[1].Value).Distinct())
        {
            filled.Replace("{" + name + "}", await target.ResolveAsync(name));
        }

        return filled.ToString();
    }

    [GeneratedRegex("[{]([a-z-]+)[}]")]
    private static partial Regex Names();
}
