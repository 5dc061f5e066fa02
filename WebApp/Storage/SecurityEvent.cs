namespace WebApp.Storage;

/// <summary>Something about an account that its owner may want to know.</summary>
internal sealed class SecurityEvent
{
    public long Id { get; set; }

    public required string UserId { get; set; }

    public Guid SessionId { get; set; }

    /// <summary>A name of <see cref="Tokens.RefusalReasonNames"/>: why the session was ended.</summary>
    public required string Kind { get; set; }

    public DateTimeOffset At { get; set; }

    /// <summary>The device whose request brought it to light.</summary>
    public required string UserAgent { get; set; }

    public required string IpAddress { get; set; }
}
