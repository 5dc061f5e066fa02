using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>
/// The statements on session rows. The database carries out each of them as a whole, with all its conditions inside, or not at
/// all. One that throws what <see cref="DatabaseFaults"/> knows may have been carried out all the same.
/// </summary>
internal interface ISessionRows
{
    /// <summary>The row with its account and roles, or null.</summary>
    Task<SessionState?> FindAsync(SessionId session, CancellationToken cancellation);

    /// <summary>Adds a session, and records that, if its account is enabled and has the security stamp that the row says.</summary>
    /// <returns>The row with its account and roles; null if the account is gone, disabled or changed, and nothing was added.</returns>
    Task<SessionState?> TryOpenAsync(SessionRow row, CancellationToken cancellation);

    /// <summary>
    /// Moves a session to the generation after the presented one. Everything that speaks against it is a condition of the
    /// statement (protocol, "Rotation: the database judges").
    /// </summary>
    /// <param name="presented">A genuine refresh token. One that is ahead of the row moves it too.</param>
    /// <param name="now">The time that is written.</param>
    /// <param name="idleSince">A session that was last used then or earlier is over.</param>
    /// <param name="renewal">
    /// A pair of the upstream issuer's to store with it, if the row still holds the pair that it was spent from; null for none.
    /// </param>
    /// <returns>Whether this call has moved it.</returns>
    Task<bool> TryRotateAsync(
        RefreshToken presented, DateTimeOffset now, DateTimeOffset idleSince, UpstreamRenewal? renewal, CancellationToken cancellation);

    /// <summary>Renews the idle limit of a session whose successor is handed out again.</summary>
    /// <param name="session">Which.</param>
    /// <param name="current">The generation that the row must still be at.</param>
    /// <param name="now">The time that is written.</param>
    /// <param name="seenSince">If the successor was seen earlier than that, its window is over.</param>
    /// <returns>Whether it may be handed out.</returns>
    Task<bool> TryRenewAsync(
        SessionId session, Generation current, DateTimeOffset now, DateTimeOffset seenSince, CancellationToken cancellation);

    /// <summary>Ends a session, and records what its owner should know of it in the same transaction.</summary>
    /// <returns>True for the one caller that ended it.</returns>
    Task<bool> TryRevokeAsync(
        SessionId session, RefusalReason reason, DateTimeOffset now, SecurityEvent? record, CancellationToken cancellation);

    /// <summary>Writes down, all or none, which generations are held, where they are current, the proof is of the session's
    /// own transport, and nobody has before.</summary>
    Task MarkSeenAsync(
        IReadOnlyCollection<SessionProof> proofs, DateTimeOffset now, CancellationToken cancellation);

    /// <summary>The sessions that were ended at that time or later, and why.</summary>
    Task<IReadOnlyList<KeyValuePair<SessionId, RefusalReason>>> RevokedSinceAsync(
        DateTimeOffset since, CancellationToken cancellation);
}
