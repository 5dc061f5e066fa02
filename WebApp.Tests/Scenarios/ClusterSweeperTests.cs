using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using WebApp.Configuration;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>Scenario 39: a million sessions in PostgreSQL are swept while people refresh.</summary>
[Collection(nameof(Alone))]
public sealed partial class ClusterSweeperTests(ITestOutputHelper output)
{
    private const int Rows = 1_000_000;

    /// <summary>One row in ten is due: half of these by either limit.</summary>
    private const int Due = Rows / 10;

    /// <summary>What no batch and no refresh beside it may take, on processors that also run the database and the people.</summary>
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(2);

    /// <summary>
    /// By the last digit: 0 is due; 1 to 5 must be kept, living or ended, past a limit for less than a day, or far from any;
    /// the others are ordinary. Half of those that are due passed one limit, half the other.
    /// </summary>
    private const string Insertion = """
        INSERT INTO "Sessions" ("Id", "UserId", "SecurityStamp", "Generation", "SeenAt", "RotatedAt", "CreatedAt", "LastUsedAt",
            "ExpiresAt", "RevokedAt", "RevokedReason", "Persistent", "Transport", "UserAgent", "IpAddress")
        SELECT gen_random_uuid(), 'user-' || n, 'stamp', n % 10, NULL, @now - 60000, @now - 60000,
            CASE WHEN n % 20 = 10 THEN @now - @idle - @day - n WHEN n % 10 = 1 THEN @now - @idle - @day / 2 ELSE @now - 60000 END,
            CASE WHEN n % 20 = 0 THEN @now - @day - n WHEN n % 10 = 2 THEN @now - @day / 2 ELSE @now + @day + n END,
            CASE WHEN n % 10 = 3 THEN @now - 2 * @day END,
            CASE WHEN n % 10 = 3 THEN 'reuse' END,
            false, 'Cookie', 'a test', '127.0.0.1'
        FROM generate_series(@first, @last) AS n
        """;

    [Fact]
    public async Task A_million_sessions_are_swept_in_bounded_batches_while_people_refresh()
    {
        await using var cluster = await GatedCluster.StartAsync(2, (_, _) => []);
        await InsertAsync(cluster.Cluster);
        var people = await cluster.Cluster.PeopleAsync(4);
        var (late, copied) = (await cluster.Cluster.PersonAsync(), await cluster.Cluster.PersonAsync());
        var spent = copied.Pair.WithoutAccess();
        copied.DropAccessToken();
        Assert.True((await copied.LoadAsync()).Rotated);
        await cluster.ChangeAsync(copied, row => row.SeenAt = The.WallClock.GetUtcNow() - TimeSpan.FromHours(1));
        await cluster.ChangeAsync(late, row => row.ExpiresAt = The.WallClock.GetUtcNow() - TimeSpan.FromHours(12));
        var quiet = await RefreshAsync(people, rounds: 25);

        // Without the pause that it makes between two batches.
        using var over = new CancellationTokenSource();
        var refreshing = Task.Run(() => RefreshAsync(people, int.MaxValue, over.Token));
        using var sweeper = new SessionSweeper(
            new Databases(cluster.Cluster.Database), Some.Options(), The.WallClock, NullLogger<SessionSweeper>.Instance);
        var (deleted, batches) = (new List<int>(), new List<double>());
        do
        {
            var started = The.WallClock.GetTimestamp();
            deleted.Add(await sweeper.SweepOnceAsync(CancellationToken.None));
            batches.Add(The.WallClock.GetElapsedTime(started).TotalMilliseconds);
        }
        while (deleted[^1] == SessionSweeper.BatchSize);

        await over.CancelAsync();
        var busy = await refreshing;

        output.WriteLine(
            $"{deleted.Sum()} of {Rows} rows in {batches.Count} batches: {Median(batches):0.0} ms (median), {batches.Max():0} ms at worst. " +
            $"{busy.Count} refreshes beside them: {Median(busy):0.0} ms and {busy.Max():0} ms; " +
            $"{quiet.Count} before: {Median(quiet):0.0} ms and {quiet.Max():0} ms.");
        Assert.Equal(Due, deleted.Sum());
        Assert.All(deleted, count => Assert.InRange(count, 0, SessionSweeper.BatchSize));
        Assert.All([.. batches, .. busy], took => Assert.InRange(took, 0, Bound.TotalMilliseconds));
        Assert.True(busy.Count >= 10, $"Only {busy.Count} refreshes met the sweep.");
        await AssertKeptAsync(cluster.Cluster, people.Count + 2);
        cluster.Journal.AssertNobodyWasSignedOut();
        foreach (var person in people)
        {
            await cluster.AssertWholeAsync(person, person.Pair.Generation);
        }

        // A copy is still told from a race, and whoever is late still learns why.
        var thief = cluster.At(copied, 0, new Journal());
        thief.Pair = spent;
        Assert.StartsWith("/login?reason=reuse", (await thief.LoadAsync()).Location, StringComparison.Ordinal);
        var comeback = cluster.At(late, 1, new Journal());
        comeback.DropAccessToken();
        Assert.StartsWith("/login?reason=expired", (await comeback.LoadAsync()).Location, StringComparison.Ordinal);
    }

    /// <summary>All of them refresh at once, again and again. What each rotation took, in milliseconds, as the site measured it.</summary>
    private static async Task<List<double>> RefreshAsync(IReadOnlyList<Person> people, int rounds, CancellationToken over = default)
    {
        var took = new List<double>();
        for (var round = 0; round < rounds && !over.IsCancellationRequested; round++)
        {
            foreach (var answer in await Task.WhenAll(people.Select(person =>
            {
                person.DropAccessToken();
                return person.FetchAsync();
            })))
            {
                Assert.Equal(HttpStatusCode.OK, answer.Status);
                Assert.True(answer.Rotated);
                took.Add(double.Parse(Durations().Match(answer.Timing).Groups[1].Value, CultureInfo.InvariantCulture));
            }
        }

        return took;
    }

    /// <summary>In two halves, for two processors, and without indexes, which are made anew when all rows are there.</summary>
    private static async Task InsertAsync(Cluster cluster)
    {
        var indexes = await cluster.InDatabaseAsync(db => db.Database.SqlQuery<SessionIndex>(
            $"""SELECT indexname AS "Name", indexdef AS "Definition" FROM pg_indexes WHERE tablename = 'Sessions' AND indexname LIKE 'IX%'""")
            .ToListAsync());
        Assert.NotEmpty(indexes);
        await ExecuteAsync(cluster.Database, new NpgsqlCommand(string.Concat(indexes.Select(index => $"DROP INDEX \"{index.Name}\";"))));
        await Task.WhenAll(InsertAsync(cluster.Database, 1, Rows / 2), InsertAsync(cluster.Database, (Rows / 2) + 1, Rows));
        await Task.WhenAll(indexes.Select(index => ExecuteAsync(cluster.Database, new NpgsqlCommand(index.Definition))));
        await ExecuteAsync(cluster.Database, new NpgsqlCommand("ANALYZE \"Sessions\""));
    }

    private static async Task InsertAsync(string database, int first, int last)
    {
        var command = new NpgsqlCommand(Insertion) { CommandTimeout = 0 };
        command.Parameters.AddWithValue("now", The.WallClock.GetUtcNow().ToUnixTimeMilliseconds());
        command.Parameters.AddWithValue("idle", (long)new SessionsOptions().IdleTimeout.TotalMilliseconds);
        command.Parameters.AddWithValue("day", (long)TimeSpan.FromDays(1).TotalMilliseconds);
        command.Parameters.AddWithValue("first", first);
        command.Parameters.AddWithValue("last", last);
        await ExecuteAsync(database, command);
    }

    private static async Task ExecuteAsync(string database, NpgsqlCommand command)
    {
        await using var connection = new NpgsqlConnection(database + ";Pooling=false");
        await connection.OpenAsync();
        await using (command)
        {
            command.Connection = connection;
            await command.ExecuteNonQueryAsync();
        }
    }

    private static async Task AssertKeptAsync(Cluster cluster, int people)
    {
        Assert.Equal(Rows - Due + people, await cluster.InDatabaseAsync(db => db.Sessions.CountAsync()));
        var now = The.WallClock.GetUtcNow();
        var idle = now - new SessionsOptions().IdleTimeout;
        Assert.Equal(Rows / 10, await cluster.InDatabaseAsync(db => db.Sessions.CountAsync(row => row.LastUsedAt < idle)));
        Assert.Equal((Rows / 10) + 1, await cluster.InDatabaseAsync(db => db.Sessions.CountAsync(row => row.ExpiresAt < now)));
        Assert.Equal(Rows / 10, await cluster.InDatabaseAsync(db => db.Sessions.CountAsync(row => row.RevokedAt != null)));
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    [GeneratedRegex(@"dur=([\d.]+)")]
    private static partial Regex Durations();

    private sealed record SessionIndex(string Name, string Definition);

    private sealed class Databases(string database) : IDbContextFactory<WebAppDb>
    {
        private readonly DbContextOptions<PostgreSqlDb> options = new DbContextOptionsBuilder<PostgreSqlDb>().UseNpgsql(database).Options;

        public WebAppDb CreateDbContext() => new PostgreSqlDb(options);
    }
}
