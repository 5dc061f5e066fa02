namespace WebApp.Storage;

/// <summary>A form that was posted with a dead session, until its sender has signed in again and decided (scenario 50).</summary>
internal sealed class KeptForm
{
    public Guid Id { get; set; }

    /// <summary>Whose session it was.</summary>
    public required string UserId { get; set; }

    /// <summary>A hash of the secret that the browser holds in a cookie.</summary>
    public required byte[] Browser { get; set; }

    public DateTimeOffset CreatedAt { get; set; }

    public DateTimeOffset ExpiresAt { get; set; }

    /// <summary>When it was sent with an answer that leaves open whether it arrived; null while it was not.</summary>
    public DateTimeOffset? SentAt { get; set; }

    /// <summary>Where it was sent to, its type and its body. Nobody reads it without the browser's secret.</summary>
    public required byte[] Content { get; set; }
}
