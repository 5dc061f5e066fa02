using Microsoft.IdentityModel.Tokens;

namespace WebApp.Tokens;

/// <summary>
/// The keys that sign and verify access tokens, in memory. They are put here before the site serves its first request, and
/// replaced as a whole: whoever needs several of these properties to fit together takes one <see cref="Loaded"/>.
/// </summary>
internal sealed class SigningKeys
{
    private volatile Ring? loaded;

    /// <inheritdoc cref="Ring.Current"/>
    public SigningCredentials Current => Loaded.Current;

    /// <inheritdoc cref="Ring.PublicKeys"/>
    public IReadOnlyList<JsonWebKey> PublicKeys => Loaded.PublicKeys;

    public Ring Loaded => loaded ?? throw new InvalidOperationException("The signing keys have not been loaded.");

    /// <param name="keys">All accepted keys; the first one signs.</param>
    public void Use(IReadOnlyList<SigningKey> keys) => loaded = new Ring(
        new SigningCredentials(keys[0].Key, keys[0].Algorithm),
        [.. keys.Select(key => key.Key)],
        [.. keys.Select(key => key.Algorithm).Distinct()],
        [.. keys.Select(key => key.PublicKey()).OfType<JsonWebKey>()]);

    /// <param name="Current">What new tokens are signed with.</param>
    /// <param name="All">Every key whose tokens are accepted: that one, the next one before it signs, and those before it.</param>
    /// <param name="Algorithms">
    /// The algorithms of <paramref name="All"/>: a token that names another one is refused unread (RFC 8725, section 3.1).
    /// </param>
    /// <param name="PublicKeys">
    /// The public halves, for <c>/.well-known/jwks.json</c> (RFC 7517). A shared secret has none and is left out.
    /// </param>
    internal sealed record Ring(
        SigningCredentials Current,
        IReadOnlyList<SecurityKey> All,
        IReadOnlyList<string> Algorithms,
        IReadOnlyList<JsonWebKey> PublicKeys);
}
