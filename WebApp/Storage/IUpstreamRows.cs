using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>
/// The statements on what a session row holds of an upstream issuer's tokens. Each is carried out as a whole, and only while the
/// row's version is the one that its caller has read.
/// </summary>
internal interface IUpstreamRows
{
    /// <summary>Writes down that the stored refresh token is about to be spent: until the answer is stored, it may be lost.</summary>
    /// <returns>False if somebody has stored another pair, or the session has ended.</returns>
    Task<bool> TryBeginSpendAsync(SessionId session, int version, CancellationToken cancellation);

    /// <summary>Stores what the spending was answered with.</summary>
    /// <returns>False if somebody has stored another pair, or the session has ended.</returns>
    Task<bool> TryStoreAsync(SessionId session, UpstreamRenewal renewal, CancellationToken cancellation);

    /// <summary>Writes down when the issuer first refused a refresh token that somebody else may have spent.</summary>
    Task NoteRefusalAsync(SessionId session, int version, DateTimeOffset now, CancellationToken cancellation);
}

/// <summary>A pair of the issuer's, encrypted, that is to take the place of another.</summary>
/// <param name="Tokens">By <see cref="UpstreamTokenProtector"/>.</param>
/// <param name="Replaces">The version of the row that it was spent from.</param>
internal sealed record UpstreamRenewal(string Tokens, int Replaces);
