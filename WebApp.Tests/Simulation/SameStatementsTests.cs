using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Simulation;

/// <summary>
/// The simulation's statements say what the database's say: both are given the same random statements on the same rows, and must
/// answer and leave behind the same. So whatever the simulation shows of the one holds for the other.
/// </summary>
public sealed class SameStatementsTests : IAsyncLifetime
{
    private const int Sessions = 3;
    private const int Statements = 150;

    private static readonly TimeSpan[] Steps =
    [
        TimeSpan.Zero, TimeSpan.FromMilliseconds(1), TimeSpan.FromTicks(1), TimeSpan.FromSeconds(30), TimeSpan.FromHours(1),
        TimeSpan.FromHours(24),
    ];

    private static readonly string[] People = ["ada", "bob"];

    private Store store = null!;

    public async ValueTask InitializeAsync()
    {
        store = await Store.OpenAsync();
        await store.InDatabaseAsync(async db =>
        {
            db.Users.AddRange(People.Select(name => new Account { Id = name, UserName = name, SecurityStamp = name + "-1" }));
            return await db.SaveChangesAsync();
        });
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Theory]
    [InlineData(7)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task Statements_in_memory_do_what_they_do_in_the_database(int seed)
    {
        var dice = new Dice((ulong)seed);
        using var simulation = new Simulation();
        var world = simulation.Still();
        var memory = new Rows(world, world.Nodes[0]);
        var database = store.Get<ISessionRows>();
        var now = The.Beginning;
        List<SessionId> sessions = [];
        var changed = 0;
        for (var statement = 0; statement < Statements; statement++)
        {
            now += dice.Chance(0.03) ? dice.Of(Steps) : dice.Of(Steps.AsSpan(0, 4));
            if (sessions.Count < Sessions || dice.Chance(0.1))
            {
                var row = Row(now, dice.Of(People), dice.Of("-1", "-1", "-1", "-2"), dice.Of(SessionTransport.Cookie, SessionTransport.Body));
                Assert.Equal(await Shown(database.TryOpenAsync(row, default)), await Shown(Settled(world, memory.TryOpenAsync(row, default))));
                sessions.Add(new SessionId(row.Id));
            }

            var session = dice.Of([.. sessions.TakeLast(Sessions)]);
            var current = world.Database.Find(session)?.Generation ?? 0;
            var generation = new Generation(Math.Max(0, current + dice.Of(-2, -1, 0, 0, 0, 1)));
            var presented = new RefreshToken(session, generation, new UserId("anybody"));
            var since = now - dice.Of([.. Steps, .. Steps[4..]]);
            var reason = dice.Of(RefusalReason.Revoked, RefusalReason.Reuse);
            SessionProof[] proofs = [new(session, generation, dice.Of(SessionTransport.Cookie, SessionTransport.Body))];
            await (dice.Next(8) switch
            {
                0 or 1 => SameAsync(rows => rows.TryRotateAsync(presented, now, since, null, default)),
                2 or 3 => SameAsync(rows => rows.TryRenewAsync(session, generation, now, since, default)),
                4 => SameAsync(async rows =>
                {
                    await rows.MarkSeenAsync(proofs, now, default);
                    return 0;
                }),
                5 => SameAsync(async rows => string.Join(' ', (await rows.RevokedSinceAsync(since, default)).Select(each => $"{each}").Order())),
                6 when dice.Chance(0.2) => SameAsync(rows => rows.TryRevokeAsync(session, reason, now, Event(session, now), default)),
                6 => Task.CompletedTask,
                _ => TouchAsync(world, dice),
            });
            await SameAsync(rows => Shown(rows.FindAsync(session, default)));
        }

        Assert.True(changed > 10, "Nothing was changed: this has shown nothing.");

        async Task SameAsync<T>(Func<ISessionRows, Task<T>> ask)
        {
            var expected = await ask(database);
            Assert.Equal(expected, await Settled(world, ask(memory)));
            changed += expected is true ? 1 : 0;
        }
    }

    private async Task TouchAsync(World world, Dice dice)
    {
        var person = dice.Of(People);
        var (disabled, stamp) = (dice.Chance(0.15), person + dice.Of("-1", "-1", "-1", "-2"));
        (world.Database.AccountOf(person).Disabled, world.Database.AccountOf(person).SecurityStamp) = (disabled, stamp);
        await store.ChangeAsync(new UserId(person), account => (account.Disabled, account.SecurityStamp) = (disabled, stamp));
    }

    /// <summary>Time passes in the world until the statement is answered.</summary>
    private static Task<T> Settled<T>(World world, Task<T> statement)
    {
        while (!statement.IsCompleted && world.Advance())
        {
        }

        return statement;
    }

    private static async Task<string> Shown(Task<SessionState?> found) => await found is { } state
        ? string.Join(' ', state.Row.Id, state.Row.Generation, $"{state.Row.SeenAt:O}", $"{state.Row.RotatedAt:O}", $"{state.Row.LastUsedAt:O}",
            $"{state.Row.ExpiresAt:O}", $"{state.Row.RevokedAt:O}", state.Row.RevokedReason, state.IsAlive, state.Account?.Name)
        : "none";

    private static SessionRow Row(DateTimeOffset now, string person, string stamp, SessionTransport transport) => new()
    {
        Id = Guid.NewGuid(),
        UserId = person,
        SecurityStamp = person + stamp,
        CreatedAt = now,
        RotatedAt = now,
        LastUsedAt = now,
        ExpiresAt = now + TimeSpan.FromHours(24),
        Transport = transport,
        UserAgent = "a test",
        IpAddress = "127.0.0.1",
    };

    private static SecurityEvent Event(SessionId session, DateTimeOffset now) => new()
    {
        UserId = "ada",
        SessionId = session.Value,
        Kind = "reuse",
        At = now,
        UserAgent = "a test",
        IpAddress = "127.0.0.1",
    };
}
