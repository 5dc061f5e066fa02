using System.Net;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;
using Npgsql;
using StackExchange.Redis;

namespace WebApp.Configuration;

/// <summary>The section <c>ConnectionStrings</c> of the configuration.</summary>
internal sealed class ConnectionsOptions
{
    public const string Section = "ConnectionStrings";
    public const string DatabaseKey = Section + ":" + nameof(Database);

    /// <summary>Where the database is: a SQLite connection string, or one of PostgreSQL, which begins with <c>Host=</c>.</summary>
    public string Database { get; set; } = "Data Source=App_Data/webapp.db";

    /// <summary>Where Redis is, in StackExchange.Redis's syntax. Empty: an in-memory cache and locks of this process alone.</summary>
    public string Redis { get; set; } = "";

    /// <summary>Whether a connection string is PostgreSQL's: it begins with a host, where SQLite's names a file.</summary>
    public static bool IsPostgreSql(string? database) =>
        database?.Split('=')[0].Trim().Equals("Host", StringComparison.OrdinalIgnoreCase) == true;
}

/// <summary>What the values of <see cref="ConnectionsOptions"/> must satisfy.</summary>
internal sealed class ConnectionsRules : IValidateOptions<ConnectionsOptions>
{
    public ValidateOptionsResult Validate(string? name, ConnectionsOptions options)
    {
        var complaints = new Complaints(ConnectionsOptions.Section);
        complaints.Unless(
            ConnectionsOptions.IsPostgreSql(options.Database) ? IsPostgreSql(options.Database) : IsSqlite(options.Database),
            nameof(options.Database), options.Database,
            "must be a SQLite connection string that names a file, such as 'Data Source=App_Data/webapp.db', " +
            "or a PostgreSQL one that begins with a host and names a database, such as 'Host=localhost;Database=webapp;Username=webapp'");
        complaints.Unless(
            options.Redis.Length == 0 || IsRedis(options.Redis),
            nameof(options.Redis), options.Redis,
            "must be empty or a StackExchange.Redis configuration that names a host, such as '127.0.0.1:6379'");
        return complaints.Result();
    }

    /// <summary>A database in memory is another one for each connection, and gone with the process.</summary>
    private static bool IsSqlite(string text) => CanParse(() =>
        new SqliteConnectionStringBuilder(text) is { DataSource: { Length: > 0 } and not ":memory:", Mode: not SqliteOpenMode.Memory });

    private static bool IsPostgreSql(string text) => CanParse(() =>
        new NpgsqlConnectionStringBuilder(text) is { Host.Length: > 0, Database.Length: > 0 });

    /// <summary>The parser takes whatever it does not know, a URL for instance, for the name of a host.</summary>
    private static bool IsRedis(string text) => CanParse(() =>
        ConfigurationOptions.Parse(text).EndPoints is { Count: > 0 } hosts
        && hosts.All(host => host is not DnsEndPoint named || Uri.CheckHostName(named.Host) != UriHostNameType.Unknown));

    private static bool CanParse(Func<bool> parse)
    {
        try
        {
            return parse();
        }
        catch (Exception unreadable) when (unreadable is ArgumentException or FormatException or OverflowException)
        {
            return false;
        }
    }
}
