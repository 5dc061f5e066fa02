using Npgsql;
using WebApp.Composition;
using Xunit;

namespace WebApp.Tests.Storage;

/// <summary>A connection to PostgreSQL that hangs must not use up the time of a refresh (docs/cluster.md has the table).</summary>
public sealed class ConnectionBoundsTests
{
    [Fact]
    public void A_connection_string_that_says_nothing_of_them_gets_the_sites_bounds() =>
        Assert.Equal((3, 5, 20, GssEncryptionMode.Disable), BoundsOf("Host=db"));

    [Fact]
    public void What_a_connection_string_says_stands() => Assert.Equal(
        (4, 6, 21, GssEncryptionMode.Prefer),
        BoundsOf("Host=db;Timeout=4;Command Timeout=6;Maximum Pool Size=21;GSS Encryption Mode=Prefer"));

    private static (int, int, int, GssEncryptionMode) BoundsOf(string connectionString)
    {
        var connection = new NpgsqlConnectionStringBuilder(DatabaseServices.Bounded(connectionString));
        return (connection.Timeout, connection.CommandTimeout, connection.MaxPoolSize, connection.GssEncryptionMode);
    }
}
