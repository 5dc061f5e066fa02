namespace WebApp.Tests.Fixtures;

/// <summary>What tells one thing that a node asks PostgreSQL or Redis from another, where a <see cref="TcpProxy"/> reads along.</summary>
internal static class OnTheWire
{
    /// <summary>In the statement that moves a session to its next generation.</summary>
    public const string Rotation = "SET \"Generation\"";

    /// <summary>In the statement that ends a session.</summary>
    public const string Revocation = "SET \"RevokedAt\"";

    /// <summary>In the statement that writes down that a browser holds the current generation.</summary>
    public const string Seen = "SET \"SeenAt\"";

    /// <summary>In the statement that reads a session's row with its account.</summary>
    public const string Look = "\"AspNetUserRoles\"";

    /// <summary>In the statement of the notes page that reads the notes, after the refresh.</summary>
    public const string ReadNotes = "FROM \"Notes\"";

    /// <summary>What a node sends to Redis when it waits for a lock.</summary>
    public const string Subscription = "SUBSCRIBE";
}
