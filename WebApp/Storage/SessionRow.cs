using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>
/// One session in the database (protocol, "The row"). No token of ours is stored, nor anything one could be made from.
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

    /// <summary>A name of <see cref="RefusalReasonNames"/>; null while the session lives.</summary>
    public string? RevokedReason { get; set; }

    /// <summary>Whether the cookies outlive the browser. Kept here because a browser does not tell.</summary>
    public bool Persistent { get; set; }

    public SessionTransport Transport { get; set; }

    /// <summary>The tokens of an upstream issuer, by <see cref="UpstreamTokenProtector"/>; null without one.</summary>
    public string? UpstreamTokens { get; set; }

    /// <summary>Counts the pairs of the upstream issuer. Nobody stores one in the place of a pair that he has not read.</summary>
    public int UpstreamVersion { get; set; }

    /// <summary>Whether somebody has begun to spend the upstream refresh token, and its successor was not stored yet.</summary>
    public bool UpstreamSpending { get; set; }

    /// <summary>When the issuer first refused that token while its successor may have been on its way to somebody else.</summary>
    public DateTimeOffset? UpstreamRefusedAt { get; set; }

    public required string UserAgent { get; set; }

    public required string IpAddress { get; set; }
}
