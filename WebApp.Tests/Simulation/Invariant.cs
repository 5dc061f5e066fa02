namespace WebApp.Tests.Simulation;

/// <summary>What holds in every world (protocol, "Invariants", and what a simulation can see beyond them).</summary>
internal enum Invariant
{
    /// <summary>1. A client that only races, reloads, aborts, loses responses or meets an outage is never rejected.</summary>
    NoSpuriousSignOut,

    /// <summary>2. One generation, one successor, one lineage; and nobody is handed a generation he did not ask for.</summary>
    NoFork,

    /// <summary>3. However many requests, tabs and nodes.</summary>
    OneRotationPerExpiry,

    /// <summary>4. Once thief and owner have both refreshed after divergence, further apart than the window.</summary>
    TheftIsCaught,

    /// <summary>5. Within a second no node accepts a credential of a session that was signed out of, and no response issues one.</summary>
    SignOutWins,

    /// <summary>6. Nothing revives what was revoked or expired.</summary>
    NoResurrection,

    /// <summary>7. With a valid access token: no Redis command, no SQL, no Set-Cookie.</summary>
    ReloadIsFree,

    /// <summary>8. Nothing but signing out clears cookies.</summary>
    NothingElseClearsCookies,

    /// <summary>A form's handler runs once, or not at all and the answer says so.</summary>
    FormsRunOnce,

    /// <summary>Nobody but its owner, or time, takes a lock away.</summary>
    LockDiscipline,

    /// <summary>Nobody is put off unless something is amiss.</summary>
    UnavailableNeedsAFault,

    /// <summary>Once the faults are over, everybody is answered.</summary>
    Liveness,

    /// <summary>No exception that nobody expected.</summary>
    NoDefect,

    /// <summary>Everything runs on the world's thread.</summary>
    OneThread,
}
