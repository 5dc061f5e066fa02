namespace WebApp.Tokens;

/// <summary>
/// What an upstream issuer has handed out for one session, and what it says of the person. It stays on the server (protocol,
/// "An upstream issuer").
/// </summary>
/// <param name="Access">The access token of the issuer's own API. Secret.</param>
/// <param name="Refresh">Good for one renewal, by the issuer's rules. Secret.</param>
/// <param name="ExpiresAt">When <paramref name="Access"/> ends, by this site's clock.</param>
/// <param name="Name">The person's name, for people to read.</param>
/// <param name="Roles">As fresh as these tokens.</param>
internal sealed record UpstreamTokens(string Access, string Refresh, DateTimeOffset ExpiresAt, string Name, IReadOnlyList<string> Roles)
{
    /// <summary>
    /// How long before its end an access token is not worth handing out any more: a page that was just rendered with it still
    /// makes its calls.
    /// </summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(10);

    /// <summary>Whether the access token has ended or is about to.</summary>
    public bool IsDue(DateTimeOffset now) => now >= ExpiresAt - Margin;

    /// <summary>Shows no token: this may end up in a log.</summary>
    public override string ToString() => $"upstream tokens that end at {ExpiresAt:O}";
}
