using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>Somebody has proved to be the owner of an account.</summary>
/// <param name="User">Whose account.</param>
/// <param name="SecurityStamp">The account's stamp at that moment: a session opens only while it is unchanged.</param>
/// <param name="Upstream">What an upstream issuer has handed out for the session; null without one.</param>
internal sealed record AccountProof(UserId User, string SecurityStamp, UpstreamTokens? Upstream = null);
