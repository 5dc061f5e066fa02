using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace WebApp.Configuration;

/// <summary>The section <c>ConnectionStrings</c> of the configuration.</summary>
internal sealed class ConnectionsOptions
{
    public const string Section = "ConnectionStrings";

    /// <summary>Where the database is.</summary>
    public string Database { get; set; } = "Data Source=App_Data/webapp.db";

    /// <summary>Where Redis is, in StackExchange.Redis's syntax. Empty: an in-memory cache and locks of this process alone.</summary>
    public string Redis { get; set; } = "";
}

/// <summary>What the values of <see cref="ConnectionsOptions"/> must satisfy. Passwords are masked.</summary>
internal sealed partial class ConnectionsRules : IValidateOptions<ConnectionsOptions>
{
    public ValidateOptionsResult Validate(string? name, ConnectionsOptions options)
    {
        var complaints = new Complaints(ConnectionsOptions.Section);
        complaints.Unless(
            IsSqlite(options.Database),
            nameof(options.Database), Masked(options.Database),
            "must be a SQLite connection string that names a file, such as 'Data Source=App_Data/webapp.db'");
        complaints.Unless(
            options.Redis.Length == 0 || IsRedis(options.Redis),
            nameof(options.Redis), Masked(options.Redis),
            "must be empty or a StackExchange.Redis configuration that names a host, such as '127.0.0.1:6379'");
        return complaints.Result();
    }

    private static bool IsSqlite(string text)
    {
        try
        {
            return new SqliteConnectionStringBuilder(text).DataSource.Length > 0;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static bool IsRedis(string text)
    {
        try
        {
            return ConfigurationOptions.Parse(text).EndPoints.Count > 0;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static string Masked(string text) => Passwords().Replace(text, "$1=***");

    [GeneratedRegex("(password|pwd)\\s*=\\s*[^;,]*", RegexOptions.IgnoreCase)]
    private static partial Regex Passwords();
}
