namespace WebApp.Storage;

/// <summary>
/// One session in the database (protocol, "The row"). No token is stored, nor anything one could be made from.
/// </summary>
internal sealed class SessionRow
{
    public Guid Id { get; set; }

    public required string UserId { get; set; }

    /// <summary>The account's security stamp when the session was opened. Once the two differ, the session is over.</summary>
    public required string SecurityStamp { get; set; }

    public int Generation { get; set; }

    /// <summary>When a browser first proved that it holds the current generation, or null while none has.</summary>
    public DateTimeOffset? SeenAt { get; set; }

    public DateTimeOffset RotatedAt { get; set; }

    public DateTimeOffset CreatedAt { get; set; }

    public DateTimeOffset LastUsedAt { get; set; }

    /// <summary>The absolute end. It never moves.</summary>
    public DateTimeOffset ExpiresAt { get; set; }

    public DateTimeOffset? RevokedAt { get; set; }

    /// <summary>A name of <see cref="Tokens.RefusalReasonNames"/>; null while the session lives.</summary>
    public string? RevokedReason { get; set; }

    /// <summary>Whether the cookies outlive the browser. Kept here because a browser does not tell.</summary>
    public bool Persistent { get; set; }

    public SessionTransport Transport { get; set; }

    public required string UserAgent { get; set; }

    public required string IpAddress { get; set; }
}

/// <summary>How a session was opened. Its refresh token is accepted in no other way.</summary>
internal enum SessionTransport
{
    Cookie,
}
