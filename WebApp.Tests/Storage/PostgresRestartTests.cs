using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Storage;

/// <summary>Scenario 23: the server itself dies, is away, and comes back with what it had committed.</summary>
public sealed class PostgresRestartTests
{
    [Fact]
    public async Task The_first_refresh_after_a_restart_succeeds()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var store = Store.On(new PostgresDatabase(await server.CreateDatabaseAsync()));
        var token = await store.SignInAsync();
        var others = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => store.SignInAsync()));
        var gate = store.Probe.Hold(DatabaseProbe.Rotation);
        var rotating = others.Select(other => Task.Run(() => store.JudgeAsync(other))).ToList();
        await gate.ArrivedAsync(others.Length);
        store.Probe.StopHolding(DatabaseProbe.Rotation);
        await Task.WhenAll(rotating);

        await server.RestartAsync();

        Assert.Equal(RotationStatus.Rotated, (await store.JudgeAsync(token)).Status);
        var replayed = await store.JudgeAsync(others[0]);
        Assert.Equal((RotationStatus.Replayed, new Generation(1)), (replayed.Status, replayed.Grant!.Generation));
    }

    [Fact]
    public async Task A_server_that_is_dead_burns_nothing()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var store = Store.On(new PostgresDatabase(await server.CreateDatabaseAsync()));
        var token = await store.SignInAsync();
        await server.KillAsync();
        Assert.Same(RotationVerdict.Unavailable, await store.JudgeAsync(token));

        await server.RestartAsync();

        var rotated = await store.JudgeAsync(token);
        Assert.Equal((RotationStatus.Rotated, new Generation(1)), (rotated.Status, rotated.Grant!.Generation));
    }
}
