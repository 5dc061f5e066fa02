using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using WebApp.Configuration;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Storage;

/// <summary>Nodes with different Data Protection keys would take each other's cookies for garbage: they say so (scenario 26).</summary>
public sealed class SigningKeyRingTests : IAsyncLifetime
{
    private static readonly string NextKey = new SigningPeriod(SigningPeriod.At(The.Beginning).Number + 1).KeyId("ES256");

    private Store node = null!;
    private Store stranger = null!;

    public async ValueTask InitializeAsync()
    {
        node = await Store.OpenAsync();
        stranger = node.Another(protection: new EphemeralDataProtectionProvider());
    }

    public async ValueTask DisposeAsync()
    {
        await stranger.DisposeAsync();
        await node.DisposeAsync();
    }

    [Fact]
    public async Task Of_two_nodes_that_start_together_on_an_empty_database_one_refuses_to_start()
    {
        Store[] both = [node, stranger];
        var gates = both.Select(each => each.Probe.Hold(Sql.AddKey)).ToList();
        var starts = both.Select(each => Task.Run(() => FailureAsync(each))).ToList();
        await Task.WhenAll(gates.Select(gate => gate.Arrived));
        Array.ForEach(both, each => each.Probe.StopHolding(Sql.AddKey));
        var failures = await Task.WhenAll(starts).InTime();

        var failure = Assert.IsType<StartException>(Assert.Single(failures, each => each is not null));
        Assert.Contains($"'{SigningPeriod.At(The.Beginning).KeyId("ES256")}'", failure.Message, StringComparison.Ordinal);
        Assert.Equal(1, await node.InDatabaseAsync(db => db.SigningKeys.CountAsync()));
    }

    [Fact]
    public async Task A_key_that_a_running_node_cannot_read_makes_it_unready_and_it_goes_on_with_what_it_has()
    {
        await node.StartAsync<SigningKeyStore>();
        var token = Issue();
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync()).Status);
        await AddByStrangerAsync();

        await ReadAsync();

        var health = await CheckAsync();
        Assert.Equal(HealthStatus.Unhealthy, health.Status);
        Assert.Contains($"'{NextKey}'", health.Description, StringComparison.Ordinal);
        Assert.Contains("bring those back and restart this node", health.Description, StringComparison.Ordinal);
        Assert.NotNull(node.Get<AccessTokenReader>().Read(token));

        // Nor does it make another key of that name when the time of the unreadable one has come.
        node.Time.AdjustTime(The.Beginning.AddDays(20));
        await ReadAsync();
        Assert.NotNull(node.Get<AccessTokenReader>().Read(Issue()));
        Assert.Equal(2, await node.InDatabaseAsync(db => db.SigningKeys.CountAsync()));

        node.Time.AdjustTime(The.Beginning.AddDays(30));
        await ReadAsync();
        Assert.NotNull(node.Get<AccessTokenReader>().Read(Issue()));
    }

    [Fact]
    public async Task It_is_logged_once_when_it_begins_and_once_when_it_ends()
    {
        await node.StartAsync<SigningKeyStore>();
        await AddByStrangerAsync();
        for (var reading = 0; reading < 3; reading++)
        {
            await ReadAsync();
        }

        var said = Assert.Single(node.Logs.Entries, entry => entry.Event.Id == LogEvents.SigningKeysUnreadable);
        Assert.Equal(LogLevel.Error, said.Level);
        Assert.Contains(NextKey, said.Text, StringComparison.Ordinal);

        await node.InDatabaseAsync(db => db.SigningKeys.Where(row => row.Id == NextKey).ExecuteDeleteAsync());
        for (var reading = 0; reading < 3; reading++)
        {
            await ReadAsync();
        }

        Assert.Equal(HealthStatus.Healthy, (await CheckAsync()).Status);
        Assert.Single(node.Logs.Entries, entry => entry.Event.Id == LogEvents.SigningKeysUnreadable);
        Assert.Single(node.Logs.Entries, entry => entry.Event.Id == LogEvents.SigningKeysReadable);
    }

    [Fact]
    public async Task A_key_that_has_retired_may_be_unreadable()
    {
        await stranger.StartAsync<SigningKeyStore>();
        node.Time.AdjustTime(The.Beginning.AddDays(60));

        await node.StartAsync<SigningKeyStore>();

        Assert.Equal(HealthStatus.Healthy, (await CheckAsync()).Status);
    }

    [Fact]
    public async Task A_report_on_readiness_costs_no_statement()
    {
        await node.StartAsync<SigningKeyStore>();
        node.Probe.Forget();

        await CheckAsync();

        Assert.Empty(node.Probe.Statements);
    }

    /// <summary>Neither the secret nor what is stored of it.</summary>
    [Theory]
    [InlineData("ES256")]
    [InlineData("HS256")]
    public async Task No_line_of_the_log_holds_a_key(string algorithm)
    {
        await using var other = node.Another(options => options.Algorithm = algorithm);
        await other.StartAsync<SigningKeyStore>();
        var row = await node.InDatabaseAsync(db => db.SigningKeys.AsNoTracking().SingleAsync());
        await using var third = node.Another(options => options.Algorithm = algorithm, new EphemeralDataProtectionProvider());
        await Assert.ThrowsAsync<StartException>(() => third.StartAsync<SigningKeyStore>());
        await third.Get<SigningKeyStore>().ReadAsync(CancellationToken.None);

        var material = other.Protection.CreateProtector("WebApp.Storage.SigningKey.v1").Unprotect(row.ProtectedMaterial);
        var entries = other.Logs.Entries.Concat(third.Logs.Entries).ToList();
        Assert.Contains(entries, entry => entry.Event.Id == LogEvents.SigningKeyCreated);
        Assert.Contains(entries, entry => entry.Event.Id == LogEvents.SigningKeysUnreadable);
        Assert.All(entries, entry => Assert.DoesNotContain(material[^30..], entry.Text, StringComparison.Ordinal));
        Assert.All(entries, entry => Assert.DoesNotContain(row.ProtectedMaterial[..30], entry.Text, StringComparison.Ordinal));
    }

    /// <summary>The other node's clock has come to where the next key is due, and it makes it with its own keys.</summary>
    private Task<int> AddByStrangerAsync() => node.InDatabaseAsync(async db =>
    {
        var key = SigningKey.Create("ES256", NextKey);
        db.SigningKeys.Add(new SigningKeyRow
        {
            Id = NextKey,
            Algorithm = "ES256",
            ProtectedMaterial = stranger.Protection.CreateProtector("WebApp.Storage.SigningKey.v1").Protect(Convert.ToBase64String(key.Export())),
            CreatedAt = The.Beginning,
        });
        return await db.SaveChangesAsync();
    });

    private static async Task<Exception?> FailureAsync(Store starting) =>
        await Record.ExceptionAsync(async () => await starting.StartAsync<SigningKeyStore>());

    private Task ReadAsync() => node.Get<SigningKeyStore>().ReadAsync(CancellationToken.None);

    private Task<HealthCheckResult> CheckAsync() =>
        new SigningKeyHealth(node.Get<SigningKeyStore>()).CheckHealthAsync(new HealthCheckContext(), CancellationToken.None);

    private string Issue() => node.Get<AccessTokenIssuer>().Issue(Some.Grant(), node.Time.GetUtcNow());
}
