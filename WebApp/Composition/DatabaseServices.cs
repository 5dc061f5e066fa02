using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.EntityFrameworkCore;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using WebApp.Configuration;
using WebApp.Storage;

namespace WebApp.Composition;

/// <summary>The one database of the site, and where Data Protection keeps its keys with it.</summary>
internal static class DatabaseServices
{
    /// <summary>How long opening a connection to PostgreSQL may take, in seconds, unless the connection string says otherwise.</summary>
    private const int ConnectSeconds = 3;

    /// <summary>How long one statement may take there, in seconds, unless the connection string says otherwise.</summary>
    private const int StatementSeconds = 5;

    /// <summary>
    /// Connections of one node at most, unless the connection string says otherwise. A refresh holds one for a few milliseconds;
    /// PostgreSQL takes 100 in all by default, and three nodes and a rolling restart must fit in.
    /// </summary>
    private const int MaxConnections = 20;

    public static void AddDatabase(this IServiceCollection services, IConfiguration configuration)
    {
        // The schema and the ring's first key before Data Protection, which looks for its keys at start.
        services.AddSingleton<DatabaseSchema>();
        services.AddHostedService(provider => provider.GetRequiredService<DatabaseSchema>());
        if (ConnectionsOptions.IsPostgreSql(configuration.GetConnectionString(nameof(ConnectionsOptions.Database))))
        {
            services.AddPostgreSql(MachineClock(configuration));
        }
        else
        {
            services.AddSqlite(MachineClock(configuration));
        }

        services.AddDataProtection().SetApplicationName("WebApp");
    }

    private static TimeProvider MachineClock(IConfiguration configuration)
    {
#pragma warning disable RS0030 // The one place that names the system's clock.
        var system = TimeProvider.System;
#pragma warning restore RS0030
        return configuration.GetValue<TimeSpan?>(SkewedClock.Key) is { } skew ? new SkewedClock(system, skew) : system;
    }

    /// <summary>A file has no clock but this machine's.</summary>
    private static void AddSqlite(this IServiceCollection services, TimeProvider machine)
    {
        services.AddSingleton(machine);
        services.AddSingleton<SqliteLocation>();
        services.AddDbContextFactory<WebAppDb>((provider, options) =>
            options.UseSqlite(provider.GetRequiredService<SqliteLocation>().ConnectionString));
        services.AddOptions<KeyManagementOptions>().Configure<SqliteLocation, ILoggerFactory>(
            (options, location, logs) => options.XmlRepository = new FileSystemXmlRepository(location.Keys, logs));
    }

    /// <summary>Everybody asks for a <see cref="WebAppDb"/>; this one has migrations of its own.</summary>
    private static void AddPostgreSql(this IServiceCollection services, TimeProvider machine)
    {
        services.AddSingleton(new DatabaseClock(machine));
        services.AddSingleton<TimeProvider>(provider => provider.GetRequiredService<DatabaseClock>());
        services.AddSingleton<DatabaseClockReader>();
        services.AddHostedService(provider => provider.GetRequiredService<DatabaseClockReader>());
        services.AddHealthChecks().AddCheck<DatabaseClockReader>("clock");
        services.AddHostedService<KeyRingStart>();

        services.AddDbContextFactory<PostgreSqlDb>((provider, options) =>
            options.UseNpgsql(Bounded(provider.GetRequiredService<IOptions<ConnectionsOptions>>().Value.Database)));
        services.AddSingleton<IDbContextFactory<WebAppDb>, PostgreSqlFactory>();
        services.AddScoped<WebAppDb>(provider => provider.GetRequiredService<PostgreSqlDb>());
        services.AddOptions<KeyManagementOptions>().Configure<IServiceProvider, ILoggerFactory>(
            (options, provider, logs) => options.XmlRepository = new EntityFrameworkCoreXmlRepository<PostgreSqlDb>(provider, logs));
    }

    /// <summary>A refresh has an end of its own; a connection that hangs must not use all of it up.</summary>
    internal static string Bounded(string connectionString)
    {
        var connection = new NpgsqlConnectionStringBuilder(connectionString);
        if (!connection.ShouldSerialize("Timeout"))
        {
            connection.Timeout = ConnectSeconds;
        }

        if (!connection.ShouldSerialize("Command Timeout"))
        {
            connection.CommandTimeout = StatementSeconds;
        }

        if (!connection.ShouldSerialize("Maximum Pool Size"))
        {
            connection.MaxPoolSize = MaxConnections;
        }

        // Or every new connection, and every statement that is given up, asks a silent server for it first and waits.
        if (!connection.ShouldSerialize("GSS Encryption Mode"))
        {
            connection.GssEncryptionMode = GssEncryptionMode.Disable;
        }

        return connection.ConnectionString;
    }

    internal sealed class PostgreSqlFactory(IDbContextFactory<PostgreSqlDb> databases) : IDbContextFactory<WebAppDb>
    {
        public WebAppDb CreateDbContext() => databases.CreateDbContext();
    }
}
