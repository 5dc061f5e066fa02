using System.Reflection;
using Microsoft.Extensions.Logging;
using WebApp.Coordination;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Telemetry;

/// <summary>The log tells what happened and never a token. Every <see cref="Store"/> looks for one when it closes.</summary>
public sealed class LogTests
{
    [Fact]
    public async Task No_line_of_a_whole_life_holds_a_token_or_a_part_of_one()
    {
        await using var store = await Store.OpenAsync();
        await store.StartAsync<SigningKeyStore>();
        await store.StartAsync<RevokedSessionsReader>();
        var seen = await store.StartAsync<SeenWriter>();
        List<TokenPair> pairs = [];
        var token = await store.SignInAsync("Admin");
        pairs.Add((await store.RefreshAsync(token)).Pair);
        pairs.Add((await store.RefreshAsync(token)).Pair);
        var written = store.Probe.ExecutedAsync(DatabaseProbe.Seen);
        seen.Queue(new SessionProof(token.Session, new Generation(1)));
        await written;
        pairs.Add((await store.RefreshAsync(store.Get<RefreshTokens>().Read(pairs[0].RefreshToken)!)).Pair);
        store.Probe.FailBefore(DatabaseProbe.Rotation, times: 1);
        pairs.Add((await store.RefreshAsync(token with { Generation = new Generation(2) })).Pair);
        Assert.All(pairs, pair => Assert.NotNull(store.Get<AccessTokenReader>().Read(pair.AccessToken)));
        Assert.Null(store.Get<AccessTokenReader>().Read(pairs[0].AccessToken + "x"));
        Assert.Equal(RefreshStatus.Rejected, (await store.RefreshAsync(token)).Status);

        var log = string.Join('\n', store.Logs.Entries.Select(entry => entry.Text));

        Assert.Contains(token.Session.ToString(), log);
        var secrets = pairs.SelectMany(pair => (string[])[.. pair.AccessToken.Split('.')[1..], pair.RefreshToken]);
        Assert.All(secrets, secret => Assert.DoesNotContain(secret, log));
    }

    /// <summary>A search that finds nothing must be able to find something.</summary>
    [Fact]
    public async Task The_search_for_tokens_knows_one_when_it_sees_one()
    {
        await using var store = await Store.OpenAsync();
        var pair = (await store.RefreshAsync(await store.SignInAsync())).Pair;

        Assert.Matches(NoTokens.Tokens(), $"a line with {pair.AccessToken} in it");
        Assert.Matches(NoTokens.Tokens(), $"a line with {pair.RefreshToken} in it");
        Assert.DoesNotMatch(NoTokens.Tokens(), pair.ToString());
    }

    [Fact]
    public void No_event_id_is_given_twice()
    {
        var fields = typeof(LogEvents).GetFields(BindingFlags.Public | BindingFlags.Static);
        var ids = fields.Select(field => (int)field.GetRawConstantValue()!).ToList();

        Assert.NotEmpty(ids);
        Assert.Equal(ids.Distinct(), ids);
    }

    [Fact]
    public async Task A_refresh_is_told_with_its_session_generation_and_outcome()
    {
        await using var store = await Store.OpenAsync();
        var token = await store.SignInAsync();
        await store.RefreshAsync(token);
        await store.RevokeAsync(token.Session, RefusalReason.Reuse);

        var decided = Assert.Single(store.Logs.Entries, entry => entry.Event.Id == LogEvents.RefreshDecided);
        Assert.Equal(LogLevel.Information, decided.Level);
        Assert.Contains($"session {token.Session}, generation 0: Rotated", decided.Text);
        var ended = Assert.Single(store.Logs.Entries, entry => entry.Event.Id == LogEvents.SessionRevoked);
        Assert.Contains($"{token.Session} was ended: reuse", ended.Text);
    }
}
