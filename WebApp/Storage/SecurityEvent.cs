using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>Something about an account that its owner may want to know.</summary>
internal sealed class SecurityEvent
{
    public long Id { get; set; }

    public required string UserId { get; set; }

    /// <summary>Null where no session took part: a sign-in that failed.</summary>
    public Guid? SessionId { get; set; }

    /// <summary>One of <see cref="SecurityEventKinds"/>.</summary>
    public required string Kind { get; set; }

    public DateTimeOffset At { get; set; }

    /// <summary>When the owner was shown it; asked of <see cref="SecurityEventKinds.Reuse"/> alone.</summary>
    public DateTimeOffset? NoticedAt { get; set; }

    /// <summary>The device whose request brought it to light.</summary>
    public required string UserAgent { get; set; }

    public required string IpAddress { get; set; }

    public static SecurityEvent Of(string kind, UserId user, SessionId? session, ClientInfo client, DateTimeOffset now) => new()
    {
        UserId = user.Value,
        SessionId = session?.Value,
        Kind = kind,
        At = now,
        UserAgent = client.UserAgent,
        IpAddress = client.IpAddress,
    };
}
