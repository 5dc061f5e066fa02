using Microsoft.EntityFrameworkCore;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Browser;

/// <summary>The built site as a process, for tests with a real browser, and a look at its session rows.</summary>
public sealed class BrowserSite : IAsyncLifetime
{
    private SqliteDatabase database = null!;

    internal BuiltSite Process { get; private set; } = null!;

    internal Uri Address { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        database = await SqliteDatabase.CreateAsync();
        Process = BuiltSite.Run("Development", [("ConnectionStrings:Database", $"Data Source={database.File}")]);
        Address = await Process.AddressAsync();
    }

    internal async Task<SessionRow> SessionAsync(CookiePair pair)
    {
        await using var db = database.Open();
        return await db.Sessions.AsNoTracking().SingleAsync(row => row.Id == pair.Session);
    }

    public async ValueTask DisposeAsync()
    {
        if (Process is not null)
        {
            await Process.DisposeAsync();
        }

        await database.DisposeAsync();
    }
}
