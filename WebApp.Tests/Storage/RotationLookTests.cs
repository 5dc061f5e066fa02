using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Storage;

/// <summary>Why a refresh would be refused now, for whoever asks about a token and does not use it.</summary>
public sealed class RotationLookTests : IAsyncLifetime
{
    private Store store = null!;
    private RefreshToken token = null!;

    public async ValueTask InitializeAsync()
    {
        store = await Store.OpenAsync();
        token = await store.SignInAsync();
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Fact]
    public async Task A_token_that_would_rotate_or_be_replayed_is_good_and_nothing_changes()
    {
        Assert.Null(await LookAsync(token));
        await store.JudgeAsync(token);
        var row = await store.RowAsync(token.Session);

        Assert.Null(await LookAsync(token));
        Assert.Null(await LookAsync(token with { Generation = new Generation(1) }));

        Assert.Equivalent(row, await store.RowAsync(token.Session), strict: true);
    }

    [Theory]
    [InlineData("unknown", nameof(RefusalReason.Revoked))]
    [InlineData("password_changed", nameof(RefusalReason.PasswordChanged))]
    [InlineData("a word of a later version", nameof(RefusalReason.Revoked))]
    [InlineData("expired", nameof(RefusalReason.Expired))]
    [InlineData("account", nameof(RefusalReason.AccountChanged))]
    [InlineData("reuse", nameof(RefusalReason.Reuse))]
    public async Task A_token_that_would_be_refused_is_told_why_and_nothing_ends(string why, string reason)
    {
        await (why switch
        {
            "unknown" => Task.CompletedTask,
            "expired" => store.ChangeAsync(token.Session, row => row.ExpiresAt = The.Beginning),
            "account" => store.ChangeAsync(token.User, account => account.Disabled = true),
            "reuse" => store.ChangeAsync(token.Session, row => row.Generation = 2),
            _ => store.ChangeAsync(token.Session, row => (row.RevokedAt, row.RevokedReason) = (The.Beginning, why)),
        });
        var row = await store.RowAsync(token.Session);

        Assert.Equal(reason, (await LookAsync(why == "unknown" ? Some.RefreshToken() : token)).ToString());

        Assert.Equivalent(row, await store.RowAsync(token.Session), strict: true);
        Assert.Empty(await store.EventsAsync());
    }

    [Fact]
    public async Task A_database_that_is_away_is_told_as_that()
    {
        store.Probe.IsDown = true;

        Assert.True((await Record.ExceptionAsync(() => LookAsync(token)))?.IsDatabaseAway());
    }

    private Task<RefusalReason?> LookAsync(RefreshToken presented) =>
        store.Get<RotationJudge>().LookAsync(presented, CancellationToken.None);
}
