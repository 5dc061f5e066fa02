using System.Globalization;
using Microsoft.EntityFrameworkCore;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Measurements;

/// <summary>
/// What one refresh costs the database, for docs/scale.md. <c>scripts/measure.sh</c> measures beside a million sessions. The
/// figures are this machine's, with a PostgreSQL that does not force its writes to the disk.
/// </summary>
[Collection(nameof(Alone))]
public sealed class UnitCostTests(ITestOutputHelper output, SharedPostgres postgres)
{
    private const int Parallel = 20;

    private static readonly int Sessions =
        int.Parse(Environment.GetEnvironmentVariable("MEASURE_SESSIONS") ?? "1000", CultureInfo.InvariantCulture);

    private static readonly int Rounds = Sessions < 10_000 ? 40 : 300;

    private const string Fill = """
        INSERT INTO "AspNetUsers" ("Id", "Disabled", "UserName", "NormalizedUserName", "SecurityStamp", "EmailConfirmed",
            "PhoneNumberConfirmed", "TwoFactorEnabled", "LockoutEnabled", "AccessFailedCount")
        SELECT gen_random_uuid()::text, false, 'u' || n, 'U' || n, gen_random_uuid()::text, false, false, false, true, 0
        FROM generate_series(1, {0}) AS n;
        INSERT INTO "Sessions" ("Id", "UserId", "SecurityStamp", "Generation", "SeenAt", "RotatedAt", "CreatedAt", "LastUsedAt",
            "ExpiresAt", "Persistent", "Transport", "UserAgent", "IpAddress")
        SELECT gen_random_uuid(), "Id", "SecurityStamp", 0, NULL, {1}, {1}, {1}, {2}, true, 'Cookie',
            'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36', '203.0.113.7'
        FROM "AspNetUsers";
        ANALYZE;
        """;

    [Fact]
    public async Task What_a_refresh_costs_can_be_measured()
    {
        await using var store = Store.On(new PostgresDatabase(await (await postgres.ServerAsync()).CreateDatabaseAsync()));
        var now = store.Time.GetUtcNow().ToUnixTimeMilliseconds();
        await store.InDatabaseAsync(async db =>
        {
            db.Database.SetCommandTimeout(TimeSpan.FromMinutes(5));
            return await db.Database.ExecuteSqlRawAsync(
                Fill, Sessions, now, now + (long)TimeSpan.FromDays(30).TotalMilliseconds);
        });
        var size = await store.InDatabaseAsync(db => db.Database.SqlQueryRaw<long>(
            "SELECT pg_total_relation_size('\"Sessions\"') AS \"Value\"").SingleAsync());
        output.WriteLine($"a session with its indexes: {size / Sessions} bytes");

        var tokens = (await store.InDatabaseAsync(db => db.Sessions.AsNoTracking().Take(Rounds + (Parallel * Rounds)).ToListAsync()))
            .Select(row => new RefreshToken(new SessionId(row.Id), new Generation(row.Generation), new UserId(row.UserId)))
            .ToList();
        var alone = tokens.Take(Rounds).ToList();
        output.WriteLine($"a rotation, alone: {await MedianAsync(alone, token => JudgeAsync(token, RotationStatus.Rotated)):0.00} ms");
        output.WriteLine($"a replay, alone: {await MedianAsync(alone, token => JudgeAsync(token, RotationStatus.Replayed)):0.00} ms");

        var together = tokens.Skip(Rounds).Chunk(Parallel).ToList();
        var started = The.WallClock.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Parallel).Select(lane => Task.Run(async () =>
        {
            foreach (var chunk in together.Where(chunk => chunk.Length > lane))
            {
                await JudgeAsync(chunk[lane], RotationStatus.Rotated);
            }
        })));
        output.WriteLine($"rotations, {Parallel} at once: {Parallel * Rounds / The.WallClock.GetElapsedTime(started).TotalSeconds:0} a second");

        var rows = store.Get<ISessionRows>();
        var batches = alone.Select(token => new SessionProof(token.Session, token.Generation.Next)).Chunk(100).ToList();
        output.WriteLine($"a hundred proofs of receipt: {await MedianAsync(batches, batch => rows.MarkSeenAsync(batch, store.Time.GetUtcNow(), default)):0.0} ms");
        foreach (var token in alone)
        {
            await store.RevokeAsync(token.Session);
        }

        var since = store.Time.GetUtcNow() - TimeSpan.FromSeconds(30);
        Assert.Equal(Rounds, (await rows.RevokedSinceAsync(since, default)).Count);
        output.WriteLine($"the list of {Rounds} revoked sessions: {await MedianAsync(Enumerable.Range(0, 50), _ => rows.RevokedSinceAsync(since, default)):0.00} ms");

        async Task JudgeAsync(RefreshToken token, RotationStatus expected) => Assert.Equal(expected, (await store.JudgeAsync(token)).Status);
    }

    private static async Task<double> MedianAsync<T>(IEnumerable<T> items, Func<T, Task> work)
    {
        var times = new List<double>();
        foreach (var item in items)
        {
            var started = The.WallClock.GetTimestamp();
            await work(item);
            times.Add(The.WallClock.GetElapsedTime(started).TotalMilliseconds);
        }

        times.Sort();
        return times[times.Count / 2];
    }
}
