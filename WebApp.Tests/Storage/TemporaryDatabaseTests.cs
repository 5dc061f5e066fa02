using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using WebApp.Storage;
using Xunit;

namespace WebApp.Tests.Storage;

/// <summary>A database that somebody needs for a moment.</summary>
public sealed class TemporaryDatabaseTests
{
    [Fact]
    public async Task It_is_like_the_sites_and_leaves_nothing_behind()
    {
        string file;
        await using (var database = await TemporaryDatabase.CreateAsync(CancellationToken.None))
        {
            await database.AddAccountAsync("somebody", CancellationToken.None);
            await using var db = database.CreateDbContext();
            Assert.Equal((1, 0), (await db.Users.CountAsync(), await db.Sessions.CountAsync()));
            file = new SqliteConnectionStringBuilder(db.Database.GetConnectionString()).DataSource;
            Assert.True(File.Exists(file));
        }

        Assert.False(Directory.Exists(Path.GetDirectoryName(file)));
    }
}
