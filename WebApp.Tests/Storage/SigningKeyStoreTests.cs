using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;
using Microsoft.IdentityModel.Tokens;
using WebApp.Configuration;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Storage;

/// <summary>The signing keys outlive a restart, a change of algorithm and a start in company, and are never there in clear.</summary>
public sealed class SigningKeyStoreTests : IAsyncLifetime
{
    private Store store = null!;

    public async ValueTask InitializeAsync() => store = await Store.OpenAsync();

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Theory]
    [InlineData("ES256")]
    [InlineData("HS256")]
    public async Task The_first_start_makes_a_key_and_the_next_one_finds_it(string algorithm)
    {
        await using var before = store.Another(options => options.Algorithm = algorithm);
        await before.StartAsync<SigningKeyStore>();
        var text = Issue(before);
        await using var after = store.Another(options => options.Algorithm = algorithm);
        await after.StartAsync<SigningKeyStore>();

        Assert.Equal(Kid(before), Kid(after));
        Assert.NotNull(Read(after, text));
        Assert.Equal(algorithm, Assert.Single(await RowsAsync()).Algorithm);
    }

    [Fact]
    public async Task A_change_of_algorithm_signs_nobody_out_and_can_be_taken_back()
    {
        await store.StartAsync<SigningKeyStore>();
        var old = Issue(store);

        store.Time.Advance(SigningKeyStore.Interval);
        await using var changed = store.Another(options => options.Algorithm = "HS256");
        await changed.StartAsync<SigningKeyStore>();
        Assert.Equal(Kid(store), Kid(changed));
        Assert.NotNull(Read(changed, old));

        changed.Time.Advance(SigningKeySchedule.Notice);
        await ReadAsync(changed);
        Assert.Equal("HS256", changed.Get<SigningKeys>().Current.Algorithm);
        Assert.NotNull(Read(changed, old));
        var young = Issue(changed);

        await using var back = changed.Another();
        await back.StartAsync<SigningKeyStore>();
        Assert.Equal(Kid(store), Kid(back));
        Assert.NotNull(Read(back, young));
        Assert.Equal(2, (await RowsAsync()).Count);
    }

    /// <summary>Scenario 18: nodes of the earlier scheme read the keys at their start alone, and some of them are still running.</summary>
    [Fact]
    public async Task A_site_with_keys_from_before_there_were_periods_signs_nobody_out()
    {
        var (older, newer) = (SigningKey.Create("ES256"), SigningKey.Create("ES256"));
        await AddAsync(older, The.Beginning.AddDays(-700));
        await AddAsync(newer, The.Beginning.AddDays(-400));
        await using var before = store.Another();
        before.Get<SigningKeys>().Use([newer, older]);

        await store.StartAsync<SigningKeyStore>();

        Assert.Equal(newer.Key.KeyId, Kid(store));
        Assert.NotNull(Read(store, Issue(before)));
        Assert.NotNull(Read(before, Issue(store)));
        Assert.Equal(3, store.Get<SigningKeys>().PublicKeys.Count);

        store.Time.Advance(SigningKeySchedule.Notice);
        await ReadAsync(store);
        Assert.Equal(SigningPeriod.At(The.Beginning).KeyId("ES256"), Kid(store));
        Assert.NotNull(Read(store, Issue(before)));

        store.Time.AdjustTime(The.Beginning + (4 * SigningPeriod.Length));
        await ReadAsync(store);
        Assert.Null(Read(store, Issue(before)));
    }

    /// <summary>Scenario 26: had each node its own key, a browser would refresh each time it met another node.</summary>
    [Fact]
    public async Task Nodes_that_start_together_on_an_empty_database_agree_on_a_key()
    {
        await using var other = store.Another();
        var gate = store.Probe.Hold(Sql.AddKey);
        var looked = other.Probe.ExecutedAsync(Sql.ReadKeys);
        var starting = Task.Run(() => store.StartAsync<SigningKeyStore>());
        await gate.Arrived;
        var startingToo = Task.Run(() => other.StartAsync<SigningKeyStore>());
        await looked;
        store.Probe.StopHolding(Sql.AddKey);
        await Task.WhenAll(starting, startingToo).InTime();

        Assert.Equal(Kid(store), Kid(other));
        Assert.NotNull(Read(other, Issue(store)));
        Assert.NotNull(Read(store, Issue(other)));
        Assert.Single(await RowsAsync());
    }

    /// <summary>Scenarios 26 and 39: the row that came first stands, however many tried at the same moment.</summary>
    [Fact]
    public async Task Three_nodes_that_try_at_the_same_moment_make_one_key()
    {
        await using var second = store.Another();
        await using var third = store.Another();
        Store[] nodes = [store, second, third];
        var gates = nodes.Select(node => node.Probe.Hold(Sql.AddKey)).ToList();
        var starts = nodes.Select(node => Task.Run(() => node.StartAsync<SigningKeyStore>())).ToList();
        await Task.WhenAll(gates.Select(gate => gate.Arrived));
        foreach (var node in nodes)
        {
            node.Probe.StopHolding(Sql.AddKey);
        }

        await Task.WhenAll(starts).InTime();

        var row = Assert.Single(await RowsAsync());
        Assert.All(nodes, node => Assert.Equal(row.Id, Kid(node)));
        Assert.All(
            from issuer in nodes from reader in nodes select Read(reader, Issue(issuer)),
            Assert.NotNull);
        Assert.Single(nodes.SelectMany(node => node.Logs.Entries), entry => entry.Event.Id == LogEvents.SigningKeyCreated);
    }

    /// <summary>Scenario 24: the answer to the commit is lost, and the key is there.</summary>
    [Fact]
    public async Task A_key_whose_making_was_not_confirmed_is_used()
    {
        store.Probe.FailAfter(Sql.AddKey, times: 1);

        await store.StartAsync<SigningKeyStore>();

        Assert.Equal(Assert.Single(await RowsAsync()).Id, Kid(store));
    }

    [Theory]
    [InlineData(Sql.AddKey)]
    [InlineData(Sql.ReadKeys)]
    public async Task A_database_that_is_away_stops_the_start(string statement)
    {
        store.Probe.FailBefore(statement, times: 1);

        var failure = await Assert.ThrowsAnyAsync<Exception>(() => store.StartAsync<SigningKeyStore>());

        Assert.True(failure.IsDatabaseAway());
        Assert.Empty(await RowsAsync());
    }

    [Fact]
    public async Task A_key_of_an_algorithm_that_this_version_does_not_know_is_left_alone()
    {
        await AddAsync(SigningKey.Create("ES256", "EdDSA-730"), The.Beginning, "EdDSA");

        await store.StartAsync<SigningKeyStore>();

        Assert.Equal(2, (await RowsAsync()).Count);
        Assert.StartsWith("ES256-", Kid(store), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_that_cannot_be_read_explains_itself()
    {
        await store.StartAsync<SigningKeyStore>();
        await using var stranger = store.Another(protection: new EphemeralDataProtectionProvider());

        var failure = await Assert.ThrowsAsync<StartException>(() => stranger.StartAsync<SigningKeyStore>());

        Assert.Contains(Kid(store), failure.Message);
        Assert.Contains("Data Protection", failure.Message);
        Assert.Contains("SigningKeys", failure.Message);
        Assert.IsType<CryptographicException>(failure.InnerException, exactMatch: false);
    }

    [Theory]
    [InlineData("ES256")]
    [InlineData("RS256")]
    [InlineData("HS256")]
    public async Task No_key_is_in_the_database_file_in_clear(string algorithm)
    {
        await using var node = store.Another(options => options.Algorithm = algorithm);
        await node.StartAsync<SigningKeyStore>();

        await store.InDatabaseAsync(db => db.Database.ExecuteSqlRawAsync("PRAGMA wal_checkpoint(TRUNCATE)"));
        var stored = Encoding.Latin1.GetString(ReadShared(store.File));

        Assert.Contains(Kid(node), stored);
        var key = node.Get<SigningKeys>().Current.Key;
        byte[] secret = key switch
        {
            ECDsaSecurityKey ecdsa => ecdsa.ECDsa.ExportParameters(true).D!,
            RsaSecurityKey rsa => rsa.Rsa.ExportParameters(true).D!,
            _ => ((SymmetricSecurityKey)key).Key,
        };
        string[] forms =
        [
            Encoding.Latin1.GetString(secret), Convert.ToHexString(secret), Convert.ToHexStringLower(secret),
            Convert.ToBase64String(secret).TrimEnd('='), Base64UrlEncoder.Encode(secret), Convert.ToBase64String(Whole(key))[20..60],
            "PRIVATE KEY",
        ];
        Assert.All(forms, form => Assert.DoesNotContain(form, stored, StringComparison.Ordinal));
    }

    private static byte[] Whole(SecurityKey key) => key switch
    {
        ECDsaSecurityKey ecdsa => ecdsa.ECDsa.ExportPkcs8PrivateKey(),
        RsaSecurityKey rsa => rsa.Rsa.ExportPkcs8PrivateKey(),
        _ => [.. ((SymmetricSecurityKey)key).Key, .. ((SymmetricSecurityKey)key).Key],
    };

    private static byte[] ReadShared(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }

    private Task<int> AddAsync(SigningKey key, DateTimeOffset createdAt, string? algorithm = null) => store.InDatabaseAsync(async db =>
    {
        db.SigningKeys.Add(new SigningKeyRow
        {
            Id = key.Key.KeyId,
            Algorithm = algorithm ?? key.Algorithm,
            ProtectedMaterial = store.Protection.CreateProtector("WebApp.Storage.SigningKey.v1")
                .Protect(Convert.ToBase64String(key.Export())),
            CreatedAt = createdAt,
        });
        return await db.SaveChangesAsync();
    });

    private static Task ReadAsync(Store node) => node.Get<SigningKeyStore>().ReadAsync(CancellationToken.None);

    private static string Kid(Store node) => node.Get<SigningKeys>().Current.Key.KeyId;

    private static string Issue(Store node) => node.Get<AccessTokenIssuer>().Issue(Some.Grant(), The.Beginning);

    private static AccessToken? Read(Store node, string text) => node.Get<AccessTokenReader>().Read(text);

    private Task<List<SigningKeyRow>> RowsAsync() => store.InDatabaseAsync(db => db.SigningKeys.AsNoTracking().ToListAsync());
}
