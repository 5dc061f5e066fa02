using Microsoft.IdentityModel.JsonWebTokens;

namespace WebApp.Tests.Fixtures;

/// <summary>The two cookies as a browser holds them.</summary>
internal sealed record CookiePair(string? Access, string? Refresh)
{
    /// <summary>The <c>gen</c> of the access token.</summary>
    public int Generation => new JsonWebToken(Access).GetPayloadValue<int>("gen");

    public Guid Session => Guid.ParseExact(new JsonWebToken(Access).GetPayloadValue<string>("sid"), "N");

    public CookiePair WithoutAccess() => this with { Access = null };

    public CookiePair WithoutRefresh() => this with { Refresh = null };
}
