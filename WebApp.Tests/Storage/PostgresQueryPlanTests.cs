using Microsoft.EntityFrameworkCore;
using Npgsql;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Storage;

/// <summary>
/// With 100,000 sessions and accounts in it, PostgreSQL reads no table from first to last for any statement of the sessions
/// (scenario 39).
/// </summary>
public sealed class PostgresQueryPlanTests(SharedPostgres postgres) : IAsyncLifetime
{
    /// <summary>One session in a hundred has ended, and one in a hundred is due to be swept.</summary>
    private const string Filling = """
        INSERT INTO "AspNetRoles"("Id") SELECT 'role' || i FROM generate_series(1, 10000) i;
        INSERT INTO "AspNetUsers"("Id", "SecurityStamp", "Disabled", "EmailConfirmed", "PhoneNumberConfirmed", "TwoFactorEnabled",
                "LockoutEnabled", "AccessFailedCount")
            SELECT 'user' || i, '', false, false, false, false, false, 0 FROM generate_series(1::bigint, 100000) i;
        INSERT INTO "AspNetUserRoles"("UserId", "RoleId") SELECT 'user' || i, 'role' || (i % 10000 + 1) FROM generate_series(1::bigint, 100000) i;
        INSERT INTO "Sessions"("Id", "UserId", "SecurityStamp", "Generation", "RotatedAt", "CreatedAt", "LastUsedAt", "ExpiresAt",
                "RevokedAt", "Persistent", "Transport", "UserAgent", "IpAddress")
            SELECT gen_random_uuid(), 'user' || i, '', 0, {0}, {0}, {0} - i * 13000, {0} + (i - 3000) * 86400,
                CASE WHEN i % 100 = 0 THEN {0} - i * 1000 END, false, 'Cookie', '', '' FROM generate_series(1::bigint, 100000) i;
        ANALYZE;
        """;

    private Store store = null!;
    private RefreshToken token = null!;

    public async ValueTask InitializeAsync()
    {
        var server = await postgres.ServerAsync();
        store = Store.On(new PostgresDatabase(await server.CreateDatabaseAsync("filled", FillAsync)));
        token = await store.SignInAsync("Admin");
        store.Probe.Forget();
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Fact]
    public async Task Refreshes_look_rows_up_by_their_keys()
    {
        await store.JudgeAsync(token);
        await store.JudgeAsync(token);
        await store.ChangeAsync(token.Session, row => row.Generation = 3);
        await store.JudgeAsync(token);

        await NoneScansAsync(DatabaseProbe.Rotation, Sql.ReadSession, Sql.Renew, Sql.Revoke);
    }

    [Fact]
    public async Task What_runs_behind_the_requests_uses_its_indexes()
    {
        await store.StartAsync<RevokedSessionsReader>();
        store.Get<SeenWriter>().Queue(new SessionProof(token.Session, token.Generation));
        await store.Get<SeenWriter>().StopAsync(CancellationToken.None);
        await store.Get<SessionSweeper>().SweepOnceAsync(CancellationToken.None);

        await NoneScansAsync(Sql.ReadRevoked, Sql.Seen, Sql.ReadDue, Sql.Sweep);
    }

    [Fact]
    public async Task Pages_of_sessions_follow_their_indexes()
    {
        var user = token.User;
        var list = store.Get<SessionList>();
        await list.LivingAsync(user, CancellationToken.None);
        var page = await list.PageAsync(null, null, CancellationToken.None);
        await list.PageAsync(user, new SessionPlace(page.Sessions[0].LastUsedAt, page.Sessions[0].Session), CancellationToken.None);
        await store.Get<SessionEndings>().EndAllAsync(user, token.Session, RefusalReason.Revoked, SecurityEventKinds.OthersEnded, new ClientInfo("", ""));

        await NoneScansAsync("ORDER BY s.LastUsedAt DESC");
    }

    /// <summary>A batch of the sweeper locks the rows that it deletes, of which nobody has any use, and no others.</summary>
    [Fact]
    public async Task A_sweep_that_is_not_yet_committed_holds_up_no_refresh()
    {
        store.Probe.FailBefore(Sql.Sweep, times: 1);
        await Assert.ThrowsAnyAsync<Exception>(() => store.Get<SessionSweeper>().SweepOnceAsync(CancellationToken.None));
        var sweep = Assert.Single(store.Probe.Statements, each => each.StartsWith("DELETE", StringComparison.Ordinal));
        await using var db = store.OpenDatabase();
        await using var transaction = await db.Database.BeginTransactionAsync();
        var deleted = await db.Database.ExecuteSqlRawAsync(
            sweep, store.Probe.ParametersOf(sweep).Select(each => new NpgsqlParameter(each.Key, each.Value)));
        Assert.Equal(SessionSweeper.BatchSize, deleted);

        Assert.Equal(RotationStatus.Rotated, (await store.JudgeAsync(token).InTime()).Status);
    }

    private static async Task FillAsync(string connection)
    {
        await PostgresServer.MigrateAsync(connection);
        await using var db = new PostgreSqlDb(new DbContextOptionsBuilder<PostgreSqlDb>().UseNpgsql(connection).Options);
        await db.Database.ExecuteSqlRawAsync(Filling, The.Beginning.ToUnixTimeMilliseconds());
    }

    /// <summary>Asked of the planner with the values that the site has sent.</summary>
    private async Task NoneScansAsync(params string[] parts)
    {
        Assert.All(parts, part => Assert.True(store.Probe.Count(part) > 0, part));
        foreach (var statement in store.Probe.Statements
            .Where(each => each.Contains("\"Sessions\"", StringComparison.Ordinal) && !each.StartsWith("INSERT", StringComparison.Ordinal))
            .Distinct())
        {
            var plan = await store.InDatabaseAsync(db => ExplainAsync(db, statement));
            Assert.Contains("Index", plan, StringComparison.Ordinal);
            Assert.False(plan.Contains("Seq Scan", StringComparison.Ordinal), $"{plan}\n{statement}");
        }
    }

    private async Task<string> ExplainAsync(WebAppDb db, string statement)
    {
        await db.Database.OpenConnectionAsync();
        await using var command = (NpgsqlCommand)db.Database.GetDbConnection().CreateCommand();
        command.CommandText = $"EXPLAIN {statement}";
        foreach (var (name, value) in store.Probe.ParametersOf(statement))
        {
            command.Parameters.AddWithValue(name, value!);
        }

        List<string> plan = [];
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            plan.Add(reader.GetString(0));
        }

        return string.Join('\n', plan);
    }
}
