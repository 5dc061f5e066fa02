using Microsoft.EntityFrameworkCore;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Browser;

/// <summary>The built site as a process, for tests with a real browser, and a look at its session rows.</summary>
public class BrowserSite : IAsyncLifetime
{
    private SqliteDatabase database = null!;

    internal BuiltSite Process { get; private set; } = null!;

    internal Uri Address { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        database = await SqliteDatabase.CreateAsync();
        Process = BuiltSite.Run("Development", [("ConnectionStrings:Database", $"Data Source={database.File}"), .. Settings]);
        Address = await Process.AddressAsync();
    }

    /// <summary>Settings that differ from the defaults.</summary>
    private protected virtual (string Key, string Value)[] Settings => [];

    internal Task<SessionRow> SessionAsync(CookiePair pair) =>
        InDatabaseAsync(db => db.Sessions.AsNoTracking().SingleAsync(row => row.Id == pair.Session));

    internal async Task<T> InDatabaseAsync<T>(Func<WebAppDb, Task<T>> work)
    {
        await using var db = database.Open();
        return await work(db);
    }

    public async ValueTask DisposeAsync()
    {
        if (Process is not null)
        {
            await Process.DisposeAsync();
        }

        await database.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

/// <summary>The same with access tokens of two seconds.</summary>
public sealed class HastySite : BrowserSite
{
    private protected override (string Key, string Value)[] Settings =>
        [("Sessions:AccessTokenLifetime", "00:00:02"), ("Sessions:ReplayWindow", "00:00:01"), ("Sessions:Jitter", "0")];
}
