using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>What a row that refused to rotate says about the token that was presented.</summary>
internal enum SessionRuling
{
    /// <summary>The session is unknown or was revoked.</summary>
    Revoked,

    /// <summary>The session is past its absolute or its idle limit.</summary>
    Expired,

    /// <summary>The account was disabled or deleted, or its security stamp changed.</summary>
    AccountChanged,

    /// <summary>Nothing is wrong with the token: the row moved between the statement and the look at it.</summary>
    Again,

    /// <summary>The token was spent by the last rotation and still gets the successor.</summary>
    Replay,

    /// <summary>The token was spent too long ago: somebody holds a copy.</summary>
    Reuse,
}

/// <summary>The decision table of the protocol ("Rotation: the database judges"), without a database.</summary>
internal static class SessionRulings
{
    /// <summary>The first that fits, in the order of the table.</summary>
    /// <param name="state">The row and its account, or null where there is no row.</param>
    /// <param name="presented">The generation that the refresh token names.</param>
    /// <param name="now">The time at which the rotation was refused.</param>
    /// <param name="idleTimeout">How long a session lasts without a refresh.</param>
    /// <param name="replayWindow">How long a spent token is good, counted from the first proof that its successor was seen.</param>
    public static SessionRuling For(
        SessionState? state, Generation presented, DateTimeOffset now, TimeSpan idleTimeout, TimeSpan replayWindow)
    {
        if (state is null || state.Row.RevokedAt is not null)
        {
            return SessionRuling.Revoked;
        }

        var row = state.Row;
        if (now >= row.ExpiresAt || now - row.LastUsedAt >= idleTimeout)
        {
            return SessionRuling.Expired;
        }

        if (state.Account is not { Disabled: false } account || account.SecurityStamp != row.SecurityStamp)
        {
            return SessionRuling.AccountChanged;
        }

        if (presented.Value >= row.Generation)
        {
            return SessionRuling.Again;
        }

        // While no browser has proved that it holds the successor, its answer may have been lost, however long ago (scenario
        // 5). Counting from the rotation would sign out the twentieth tab that is restored after that.
        return presented.Value == row.Generation - 1 && (row.SeenAt is not { } seenAt || now - seenAt <= replayWindow)
            ? SessionRuling.Replay
            : SessionRuling.Reuse;
    }
}

/// <summary>A session row as it was read, with the account it belongs to.</summary>
internal sealed record SessionState(SessionRow Row, AccountState? Account)
{
    /// <summary>The tokens of an upstream issuer; null without one, or where they cannot be read any more.</summary>
    public UpstreamTokens? Upstream { get; init; }

    /// <summary>Whether nobody has ended the session, and its account is as it was when the session was opened.</summary>
    public bool IsAlive =>
        Row.RevokedAt is null && Account is { Disabled: false } account && account.SecurityStamp == Row.SecurityStamp;

    /// <summary>What a pair of the row's current generation is made from. Needs a living account.</summary>
    public SessionGrant Grant() => Account is null
        ? throw new InvalidOperationException("A session without an account grants nothing.")
        : new SessionGrant(
            new SessionId(Row.Id),
            new Generation(Row.Generation),
            new UserId(Row.UserId),
            Upstream?.Name ?? Account.Name,
            Upstream?.Roles ?? Account.Roles,
            Row.CreatedAt,
            Row.ExpiresAt,
            Row.Persistent,
            Row.Transport);
}

/// <summary>What a session needs to know of an account.</summary>
internal sealed record AccountState(string Name, bool Disabled, string SecurityStamp, IReadOnlyList<string> Roles);
