using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Storage;

/// <summary>What the facts stand on: hooks to the rows under test, and a row for which every statement is carried out.</summary>
public abstract partial class SessionRowsContract
{
    private const int Current = 5;
    private const string Stamp = "stamp";

    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(30);
    private static readonly DateTimeOffset Now = The.Beginning;
    private static readonly DateTimeOffset IdleSince = Now.AddDays(-14);

    private readonly UserId user = Some.User();
    private readonly SessionId session = SessionId.New();

    public static TheoryData<bool, bool, string> ChangedAccounts => new()
    {
        { true, false, "" },
        { false, true, Stamp },
        { false, false, "another" },
    };

    private ISessionRows Rows { get; set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Rows = await OpenAsync();
        await SetAccountAsync(user, new AccountState("ada", Disabled: false, Stamp, ["Editor", "Admin"]));

        // Somebody else, for whom every condition of an account holds, and whose roles are nobody's but hers.
        await SetAccountAsync(Some.User(), new AccountState("bob", Disabled: false, Stamp, ["Baker"]));
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Rows of which there are none yet.</summary>
    private protected abstract Task<ISessionRows> OpenAsync();

    private protected abstract Task CloseAsync();

    /// <summary>Makes an account, changes it to be like this, or deletes it if it is null.</summary>
    private protected abstract Task SetAccountAsync(UserId user, AccountState? account);

    private protected abstract Task AddRowAsync(SessionRow row);

    private protected abstract Task ChangeRowAsync(SessionId session, Action<SessionRow> change);

    private protected abstract Task<SessionRow> RowAsync(SessionId session);

    private protected abstract Task<IReadOnlyList<SecurityEvent>> EventsAsync();

    private Task<SessionState?> FindAsync() => Rows.FindAsync(session, CancellationToken.None);

    private Task<bool> RotateAsync(int presented) => Rows.TryRotateAsync(
        new RefreshToken(session, new Generation(presented), user), Now, IdleSince, renewal: null, CancellationToken.None);

    private Task<bool> RenewAsync(int current) =>
        Rows.TryRenewAsync(session, new Generation(current), Now, Now - Window, CancellationToken.None);

    private Task<bool> RevokeAsync(RefusalReason reason, SecurityEvent? record = null) =>
        Rows.TryRevokeAsync(session, reason, Now, record, CancellationToken.None);

    private Task MarkSeenAsync(int generation) =>
        Rows.MarkSeenAsync([new SessionProof(session, new Generation(generation))], Now, CancellationToken.None);

    private async Task DoNotRotateAsync(Action<SessionRow>? change = null, int presented = Current)
    {
        var expected = await AddAsync(change);

        Assert.False(await RotateAsync(presented));

        await ExpectAsync(expected);
    }

    private async Task DoNotRenewAsync(Action<SessionRow>? change = null, int current = Current)
    {
        var expected = await AddAsync(change);

        Assert.False(await RenewAsync(current));

        await ExpectAsync(expected);
    }

    /// <summary>Adds the session, alive but for what is changed.</summary>
    /// <returns>The row as it should be from now on.</returns>
    private Task<SessionRow> AddAsync(Action<SessionRow>? change = null) => AddAsync(session, Current, change);

    /// <summary>Adds another session of the same person.</summary>
    private Task<SessionRow> AddOtherAsync(int generation = Current) => AddAsync(SessionId.New(), generation);

    private async Task<SessionRow> AddAsync(SessionId id, int generation, Action<SessionRow>? change = null)
    {
        await AddRowAsync(Row());
        return Row();

        SessionRow Row()
        {
            var row = new SessionRow
            {
                Id = id.Value,
                UserId = user.Value,
                SecurityStamp = Stamp,
                Generation = generation,
                CreatedAt = Now.AddDays(-2),
                RotatedAt = Now.AddDays(-1),
                LastUsedAt = Now.AddHours(-1),
                ExpiresAt = Now.AddDays(28),
                Transport = SessionTransport.Cookie,
                UserAgent = Some.Client.UserAgent,
                IpAddress = Some.Client.IpAddress,
            };
            change?.Invoke(row);
            return row;
        }
    }

    private async Task ExpectAsync(params SessionRow[] expected)
    {
        foreach (var row in expected)
        {
            Assert.Equivalent(row, await RowAsync(new SessionId(row.Id)), strict: true);
        }
    }

    private SecurityEvent Record() => new()
    {
        UserId = user.Value,
        SessionId = session.Value,
        Kind = "reuse",
        At = Now,
        UserAgent = Some.Client.UserAgent,
        IpAddress = Some.Client.IpAddress,
    };

    /// <summary>None of them begins before all are there.</summary>
    private static async Task<bool[]> TwentyAtOnceAsync(Func<Task<bool>> call)
    {
        var gate = new Gate();
        var calls = Enumerable.Range(0, 20)
            .Select(_ => Task.Run(async () =>
            {
                await gate.PassAsync();
                return await call();
            }))
            .ToList();
        await gate.ArrivedAsync(calls.Count);
        gate.Open();
        return await Task.WhenAll(calls).InTime();
    }
}
