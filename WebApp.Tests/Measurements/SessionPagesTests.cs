using System.Globalization;
using Microsoft.EntityFrameworkCore;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Measurements;

/// <summary>
/// The pages that list sessions answer quickly however many there are, and however many of one moment or of one person.
/// <c>scripts/measure.sh</c> measures them beside a million.
/// </summary>
[Collection(nameof(Alone))]
public sealed class SessionPagesTests(ITestOutputHelper output, SharedPostgres postgres)
{
    private static readonly TimeSpan Quick = TimeSpan.FromMilliseconds(100);

    private static readonly int Sessions =
        int.Parse(Environment.GetEnvironmentVariable("MEASURE_SESSIONS") ?? "20000", CultureInfo.InvariantCulture);

    private static readonly string[] Pages =
    [
        "/account/sessions", "/admin/sessions", "/admin/sessions?person=ada", "/admin/sessions?person=u77", "/admin/sessions?person=nobody",
        "/account/activity",
    ];

    /// <summary>Every tenth session is Ada's, and of each thousand all were used last at the same moment.</summary>
    private const string OnSqlite = """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
        INSERT INTO AspNetUsers(Id, UserName, NormalizedUserName, SecurityStamp, Disabled, EmailConfirmed, PhoneNumberConfirmed, TwoFactorEnabled,
                LockoutEnabled, AccessFailedCount)
            SELECT 'u' || i, 'u' || i, 'U' || i, 's', 0, 0, 0, 0, 0, 0 FROM n;
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {0})
        INSERT INTO Sessions(Id, UserId, SecurityStamp, Generation, RotatedAt, CreatedAt, LastUsedAt, ExpiresAt, Persistent, Transport, UserAgent,
                IpAddress, UpstreamVersion, UpstreamSpending)
            SELECT printf('00000000-0000-4000-8000-%012X', i), CASE WHEN i % 10 = 0 THEN {1} ELSE 'u' || (i % 1000 + 1) END, 's', 0,
                {2}, {2}, {2} - i / 1000, {2} + 86400000, 1, 'Cookie', 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0',
                '203.0.113.7', 0, 0 FROM n;
        """;

    private const string OnPostgres = """
        INSERT INTO "AspNetUsers"("Id", "UserName", "NormalizedUserName", "SecurityStamp", "Disabled", "EmailConfirmed", "PhoneNumberConfirmed",
                "TwoFactorEnabled", "LockoutEnabled", "AccessFailedCount")
            SELECT 'u' || i, 'u' || i, 'U' || i, 's', false, false, false, false, false, 0 FROM generate_series(1, 1000) i;
        INSERT INTO "Sessions"("Id", "UserId", "SecurityStamp", "Generation", "RotatedAt", "CreatedAt", "LastUsedAt", "ExpiresAt", "Persistent",
                "Transport", "UserAgent", "IpAddress", "UpstreamVersion", "UpstreamSpending")
            SELECT gen_random_uuid(), CASE WHEN i % 10 = 0 THEN {1} ELSE 'u' || (i % 1000 + 1) END, 's', 0, {2}, {2}, {2} - i / 1000,
                {2} + 86400000, true, 'Cookie', 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0', '203.0.113.7', 0, false
            FROM generate_series(1::bigint, {0}) i;
        ANALYZE;
        """;

    [Theory]
    [InlineData("SQLite")]
    [InlineData("PostgreSQL")]
    public async Task Pages_of_sessions_answer_in_a_tenth_of_a_second(string kind)
    {
        await using TestDatabase database = kind == "PostgreSQL"
            ? new PostgresDatabase(await (await postgres.ServerAsync()).CreateDatabaseAsync())
            : await SqliteDatabase.CreateAsync();
        await using var site = BuiltSite.Run("Development", [("ConnectionStrings:Database", database.ForSite)]);
        using var ada = new Visitor(await site.AddressAsync());
        await ada.SignInAsync();
        await using (var db = database.Open())
        {
            db.Database.SetCommandTimeout(TimeSpan.FromMinutes(10));
            var (user, now) = (await db.Users.SingleAsync(each => each.UserName == "ada"), await db.Sessions.MaxAsync(row => row.LastUsedAt));
            await db.Database.ExecuteSqlRawAsync(
                kind == "PostgreSQL" ? OnPostgres : OnSqlite, Sessions, user.Id, now.ToUnixTimeMilliseconds() - 1000);
        }

        var slow = new List<string>();
        foreach (var path in Pages)
        {
            var median = await MedianAsync(ada, path);
            output.WriteLine($"{kind}, {Sessions:N0} sessions, {path}: {median.TotalMilliseconds:0.0} ms");
            slow.AddRange(median > Quick ? [path] : []);
        }

        Assert.Empty(slow);
    }

    /// <summary>The first is not counted: it compiles.</summary>
    private static async Task<TimeSpan> MedianAsync(Visitor visitor, string path)
    {
        var times = new List<TimeSpan>();
        for (var time = 0; time <= 15; time++)
        {
            var started = The.WallClock.GetTimestamp();
            using var answer = await visitor.GetAsync(path);
            answer.EnsureSuccessStatusCode();
            times.Add(The.WallClock.GetElapsedTime(started));
        }

        return times.Skip(1).Order().ElementAt(7);
    }
}
