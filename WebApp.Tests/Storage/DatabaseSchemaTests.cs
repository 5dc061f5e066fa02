using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.Hosting.Internal;
using Npgsql;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Storage;

/// <summary>Scenario 26: nodes that start together migrate one after the other.</summary>
public sealed class DatabaseSchemaTests(SharedPostgres postgres)
{
    [Fact]
    public async Task A_node_that_could_not_reach_the_database_for_a_moment_does_not_migrate_out_of_turn()
    {
        var connection = await (await postgres.ServerAsync()).CreateDatabaseAsync();
        PostgresServer.Empty(connection);
        var databases = new Databases(connection, new FirstFails());
        var schema = new DatabaseSchema(databases, new HostingEnvironment());

        var away = await Record.ExceptionAsync(() => schema.MigrateAsync(CancellationToken.None));

        Assert.True(away?.IsDatabaseAway());
        await using var db = databases.CreateDbContext();
        Assert.Empty(await db.Database.GetAppliedMigrationsAsync());
        await schema.MigrateAsync(CancellationToken.None);
        Assert.Empty(await db.Database.GetPendingMigrationsAsync());
    }

    /// <summary>A node that finds no migration to make does not ask for this either.</summary>
    [Fact]
    public void The_migrations_make_what_the_model_says()
    {
        using var sqlite = new WebAppDb(new DbContextOptionsBuilder<WebAppDb>().UseSqlite().Options);
        using var postgreSql = new PostgreSqlDb(new DbContextOptionsBuilder<PostgreSqlDb>().UseNpgsql().Options);

        Assert.False(sqlite.Database.HasPendingModelChanges());
        Assert.False(postgreSql.Database.HasPendingModelChanges());
    }

    /// <summary>The first connection is not made in time.</summary>
    private sealed class FirstFails : DbConnectionInterceptor
    {
        private int connections;

        public override ValueTask<InterceptionResult> ConnectionOpeningAsync(
            DbConnection connection, ConnectionEventData eventData, InterceptionResult result, CancellationToken cancellationToken = default) =>
            Interlocked.Increment(ref connections) == 1
                ? throw new NpgsqlException("A fault that the test asked for.", new TimeoutException())
                : ValueTask.FromResult(result);
    }

    private sealed class Databases(string connection, IInterceptor interceptor) : IDbContextFactory<WebAppDb>
    {
        private readonly DbContextOptions<PostgreSqlDb> options =
            new DbContextOptionsBuilder<PostgreSqlDb>().UseNpgsql(connection).AddInterceptors(interceptor).Options;

        public WebAppDb CreateDbContext() => new PostgreSqlDb(options);
    }
}
