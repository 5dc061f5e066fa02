using System.Data.Common;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Storage;

/// <summary>
/// No statement of the sessions reads a table from first to last, so that a site with a million rows is as quick as one with ten
/// (scenario 39).
/// </summary>
public sealed partial class QueryPlanTests
{
    private const string Filling = """
        CREATE TEMP TABLE N AS WITH RECURSIVE N(I) AS (SELECT 1 UNION ALL SELECT I + 1 FROM N WHERE I < 2000) SELECT I FROM N;
        INSERT INTO AspNetRoles(Id) SELECT 'role' || I FROM N;
        INSERT INTO AspNetUsers(Id, Disabled, EmailConfirmed, PhoneNumberConfirmed, TwoFactorEnabled, LockoutEnabled, AccessFailedCount)
            SELECT 'user' || I, 0, 0, 0, 0, 0, 0 FROM N;
        INSERT INTO AspNetUserRoles(UserId, RoleId) SELECT 'user' || I, 'role' || I FROM N;
        INSERT INTO Sessions(Id, UserId, SecurityStamp, Generation, RotatedAt, CreatedAt, LastUsedAt, ExpiresAt,
                Persistent, Transport, UserAgent, IpAddress)
            SELECT I, 'user' || I, '', 0, I, I, I, I, 0, 'Cookie', '', '' FROM N;
        ANALYZE;
        """;

    [Fact]
    public async Task Refreshes_look_rows_up_by_their_keys()
    {
        await using var store = await Store.OpenAsync();
        var token = await store.SignInAsync("Admin");
        store.Probe.Forget();
        await store.JudgeAsync(token);
        await store.JudgeAsync(token);
        await store.ChangeAsync(token.Session, row => row.Generation = 3);
        await store.JudgeAsync(token);
        string[] expected = [DatabaseProbe.Rotation, Sql.ReadSession, Sql.Renew, Sql.Revoke];
        Assert.All(expected, part => Assert.True(store.Probe.Count(part) > 0, part));

        await NoneScansAsync(store);
    }

    [Fact]
    public async Task What_runs_behind_the_requests_uses_its_indexes()
    {
        await using var store = await Store.OpenAsync();
        var token = await store.SignInAsync();
        store.Probe.Forget();
        await store.StartAsync<RevokedSessionsReader>();
        var seen = await store.StartAsync<SeenWriter>();
        var written = store.Probe.ExecutedAsync(Sql.Seen);
        seen.Queue(new SessionProof(token.Session, token.Generation));
        await written;
        await store.ChangeAsync(token.Session, row => row.ExpiresAt = The.Beginning.AddDays(-2));
        await store.Get<SessionSweeper>().SweepOnceAsync(TestContext.Current.CancellationToken);
        string[] expected = [Sql.ReadRevoked, Sql.Seen, Sql.ReadDue, Sql.Sweep];
        Assert.All(expected, part => Assert.True(store.Probe.Count(part) > 0, part));

        await NoneScansAsync(store);
    }

    [Fact]
    public async Task Pages_of_sessions_follow_their_indexes()
    {
        await using var store = await Store.OpenAsync();
        var token = await store.SignInAsync();
        store.Probe.Forget();
        var user = token.User;
        var list = store.Get<SessionList>();
        await list.LivingAsync(user, CancellationToken.None);
        var page = await list.PageAsync(null, null, CancellationToken.None);
        await list.PageAsync(user, new SessionPlace(page.Sessions[0].LastUsedAt, page.Sessions[0].Session), CancellationToken.None);
        await store.Get<SessionEndings>().EndAllAsync(user, token.Session, RefusalReason.Revoked, SecurityEventKinds.OthersEnded, new ClientInfo("", ""));

        Assert.True(store.Probe.Count("ORDER BY s.LastUsedAt DESC") >= 3);
        await NoneScansAsync(store);
    }

    /// <summary>Asked of the planner itself, once without and once with statistics of well-filled tables.</summary>
    private static async Task NoneScansAsync(Store store)
    {
        var statements = store.Probe.Statements
            .Where(each => each.Contains("\"Sessions\"", StringComparison.Ordinal) && !each.StartsWith("INSERT", StringComparison.Ordinal))
            .Distinct()
            .ToList();
        foreach (var preparation in new[] { "SELECT 1", Filling })
        {
            await store.InDatabaseAsync(db => db.Database.ExecuteSqlRawAsync(preparation));
            foreach (var statement in statements)
            {
                var plan = await store.InDatabaseAsync(db => ExplainAsync(db, statement));
                Assert.Contains(plan, step => step.StartsWith("SEARCH", StringComparison.Ordinal));
                Assert.False(
                    plan.Exists(step => step.StartsWith("SCAN", StringComparison.Ordinal)), $"{string.Join('\n', plan)}\n{statement}");
            }
        }
    }

    private static async Task<List<string>> ExplainAsync(WebAppDb db, string statement)
    {
        await db.Database.OpenConnectionAsync();
        await using var command = db.Database.GetDbConnection().CreateCommand();
        command.CommandText = $"EXPLAIN QUERY PLAN {statement}";
        foreach (var name in Parameters().Matches(statement).Select(match => match.Value).Distinct())
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, 1);
            command.Parameters.Add(parameter);
        }

        List<string> plan = [];
        await using DbDataReader reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            plan.Add(reader.GetString(reader.GetOrdinal("detail")));
        }

        return plan;
    }

    [GeneratedRegex(@"@\w+")]
    private static partial Regex Parameters();
}
