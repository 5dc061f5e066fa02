using Microsoft.IdentityModel.Tokens;

namespace WebApp.Tokens;

/// <summary>
/// The keys that sign and verify access tokens, in memory. They are put here before the site serves its first request, and
/// replaced as a whole.
/// </summary>
internal sealed class SigningKeys
{
    private volatile Ring? ring;

    /// <summary>What new tokens are signed with.</summary>
    public SigningCredentials Current => Loaded.Current;

    /// <summary>Every key whose tokens are still accepted.</summary>
    public IReadOnlyList<SecurityKey> All => Loaded.All;

    /// <summary>The algorithms of <see cref="All"/>: a token that names another one is refused unread (RFC 8725, section 3.1).</summary>
    public IReadOnlyList<string> Algorithms => Loaded.Algorithms;

    /// <summary>The public halves, for <c>/.well-known/jwks.json</c> (RFC 7517). A shared secret has none and is left out.</summary>
    public IReadOnlyList<JsonWebKey> PublicKeys => Loaded.PublicKeys;

    private Ring Loaded => ring ?? throw new InvalidOperationException("The signing keys have not been loaded.");

    /// <param name="keys">All accepted keys; the first one signs.</param>
    public void Use(IReadOnlyList<SigningKey> keys) => ring = new Ring(
        new SigningCredentials(keys[0].Key, keys[0].Algorithm),
        [.. keys.Select(key => key.Key)],
        [.. keys.Select(key => key.Algorithm).Distinct()],
        [.. keys.Select(key => key.PublicKey()).OfType<JsonWebKey>()]);

    private sealed record Ring(
        SigningCredentials Current,
        IReadOnlyList<SecurityKey> All,
        IReadOnlyList<string> Algorithms,
        IReadOnlyList<JsonWebKey> PublicKeys);
}
