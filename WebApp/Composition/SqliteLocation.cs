using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;
using WebApp.Configuration;

namespace WebApp.Composition;

/// <summary>Where a site with SQLite keeps its files: the database, and beside it the keys of Data Protection.</summary>
internal sealed class SqliteLocation
{
    /// <summary>How long a statement waits for another writer, in seconds, unless the connection string says otherwise.</summary>
    private const int BusyTimeoutSeconds = 5;

    public SqliteLocation(IOptions<ConnectionsOptions> options, IHostEnvironment environment)
    {
        var connection = new SqliteConnectionStringBuilder(options.Value.Database);
        connection.DataSource = Path.Combine(environment.ContentRootPath, connection.DataSource);
        if (!connection.ShouldSerialize("Default Timeout"))
        {
            connection.DefaultTimeout = BusyTimeoutSeconds;
        }

        var folder = Path.GetDirectoryName(connection.DataSource)!;
        try
        {
            Keys = Directory.CreateDirectory(Path.Combine(folder, "keys"));
        }
        catch (Exception closed) when (closed is IOException or UnauthorizedAccessException)
        {
            throw new StartException(
                Complaints.Sentence(ConnectionsOptions.DatabaseKey, options.Value.Database, $"no folder can be made there: {closed.Message}"),
                closed);
        }

        ConnectionString = connection.ConnectionString;
    }

    public string ConnectionString { get; }

    public DirectoryInfo Keys { get; }
}
