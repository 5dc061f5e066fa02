namespace WebApp.Tests.Storage;

/// <summary>What tells the site's statements apart (see also <see cref="Fixtures.DatabaseProbe.Rotation"/>).</summary>
internal static class Sql
{
    /// <summary>The row and its account, as the judge reads them.</summary>
    public const string ReadSession = "s.SecurityStamp, s.SeenAt";

    public const string Renew = "UPDATE Sessions AS s\nSET LastUsedAt";
    public const string Revoke = "UPDATE Sessions AS s\nSET RevokedAt";
    public const string Seen = "UPDATE Sessions AS s\nSET SeenAt";
    public const string ReadRevoked = "WHERE s.RevokedAt >=";
    public const string ReadDue = "ORDER BY s.ExpiresAt";
    public const string Sweep = "DELETE FROM Sessions";
    public const string OpenSession = "INSERT INTO Sessions";
    public const string AddEvent = "INSERT INTO SecurityEvents";
    public const string ReadKeys = "FROM SigningKeys";
    public const string DeleteKeys = "DELETE FROM SigningKeys";
    public const string AddKey = "INSERT INTO SigningKeys";
}
