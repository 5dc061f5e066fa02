using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using WebApp.Tests.Fixtures;

namespace WebApp.Tests.Soak;

/// <summary>How long, how many people, and how often which part is killed.</summary>
internal sealed record SoakPlan(TimeSpan Length, int People, TimeSpan Nodes, TimeSpan Redis, TimeSpan Postgres);

/// <summary>
/// People who go on with their lives while nodes are killed, and Redis and PostgreSQL are killed and started again. Whatever is
/// killed is started again at once, as a supervisor does.
/// </summary>
internal sealed class Soak(Cluster cluster, SoakPlan plan)
{
    private static readonly TimeSpan SupervisorPause = TimeSpan.FromMilliseconds(500);

    private readonly TimeProvider time = The.WallClock;
    private readonly ConcurrentQueue<(long From, long Until)> outages = new();
    private Task over = Task.CompletedTask;
    private int nodeKills;
    private int redisKills;

    public async Task<SoakReport> RunAsync()
    {
        var people = await cluster.PeopleAsync(plan.People);
        over = time.PauseAsync(plan.Length);
        await Task.WhenAll([
            RepeatAsync(plan.Nodes, KillNodeAsync),
            RepeatAsync(plan.Redis, KillRedisAsync),
            RepeatAsync(plan.Postgres, KillPostgresAsync),
            .. people.Select((person, seed) => LiveAsync(person, new Random(seed)))]);

        // Everything runs again: nobody may be left behind.
        var last = await Task.WhenAll(people.Select(person => Task.Run(() => person.LoadAsync())));
        return await ReportAsync(people, last);
    }

    private async Task RepeatAsync(TimeSpan interval, Func<Random, Task> fault)
    {
        var random = new Random(0);
        using var timer = new PeriodicTimer(interval, time);
        while (await Task.WhenAny(timer.WaitForNextTickAsync(CancellationToken.None).AsTask(), over) != over)
        {
            await fault(random);
        }
    }

    private async Task KillNodeAsync(Random random)
    {
        var node = random.Next(cluster.Nodes.Count);
        await cluster.Nodes[node].KillAsync();
        nodeKills++;
        while (!await TryRestartAsync(node))
        {
            // PostgreSQL is away: the node says so and ends.
            await time.PauseAsync(SupervisorPause);
        }
    }

    private async Task<bool> TryRestartAsync(int node)
    {
        try
        {
            await cluster.RestartAsync(node);
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private async Task KillRedisAsync(Random random)
    {
        await cluster.Redis.RestartAsync();
        redisKills++;
    }

    private async Task KillPostgresAsync(Random random)
    {
        var from = time.GetTimestamp();
        await cluster.Postgres.RestartAsync();
        outages.Enqueue((from, time.GetTimestamp()));
    }

    /// <summary>Pages in one tab or several, scripts, forms, hammered reloads, and a longer pause now and then.</summary>
    private async Task LiveAsync(Person person, Random random)
    {
        while (!over.IsCompleted)
        {
            switch (random.Next(20))
            {
                case < 10:
                    await person.LoadAsync(tabs: random.Next(1, 5));
                    break;
                case < 14:
                    await Task.WhenAll(person.FetchAsync(), person.FetchAsync());
                    break;
                case < 16:
                    await person.AddNoteAsync("A note of a busy day.");
                    break;
                case < 19:
                    await ReloadAsync(person, random);
                    break;
                default:
                    await RestAsync(TimeSpan.FromSeconds(6 + random.NextDouble()));
                    break;
            }

            await RestAsync(TimeSpan.FromSeconds(0.3 + (2 * random.NextDouble())));
        }
    }

    /// <summary>Until the pause or the soak ends.</summary>
    private async Task RestAsync(TimeSpan pause) => await Task.WhenAny(time.PauseAsync(pause), over);

    private async Task ReloadAsync(Person person, Random random)
    {
        for (var reload = 0; reload < 3; reload++)
        {
            using var impatience = new CancellationTokenSource(TimeSpan.FromMilliseconds(random.Next(1, 40)), time);
            await person.LoadAsync(aborted: impatience.Token);
        }

        await person.LoadAsync();
    }

    private async Task<SoakReport> ReportAsync(IReadOnlyList<Person> people, Answer[] last)
    {
        var journal = cluster.Journal;
        var newest = journal.Newest();
        var rows = await cluster.InDatabaseAsync(db => db.Sessions.AsNoTracking().ToListAsync());
        var events = await cluster.EventsAsync();
        return new SoakReport(
            plan,
            Requests: journal.Requests,
            Rotations: rows.Sum(row => row.Generation),
            Replays: journal.Replays,
            Unavailable: journal.Unavailable.Count,
            UnavailableWithoutOutage: journal.Unavailable.Count(each => !outages.Any(outage =>
                each.Asked <= outage.Until && each.Answered >= outage.From)),
            Lost: journal.Lost,
            NodeKills: nodeKills,
            RedisKills: redisKills,
            PostgresKills: outages.Count,
            SignOuts: [.. journal.SignOuts, .. events.Select(each => $"security event: {each.Kind}")],
            Forks: [.. rows
                .Where(row => row.RevokedAt is not null || newest.GetValueOrDefault(row.Id) > row.Generation)
                .Select(row => $"session {row.Id:N} of generation {row.Generation}: {newest.GetValueOrDefault(row.Id)} {row.RevokedReason}")],
            EarlyRotations: journal.EarlyRotations(),
            Errors: journal.Errors.Count == 0 ? [] : [.. journal.Errors, .. cluster.LoggedErrors().Distinct()],
            LeftBehind: people.Count - last.Count(answer => answer.Status == System.Net.HttpStatusCode.OK));
    }
}
