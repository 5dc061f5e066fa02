using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using WebApp.Storage;
using Xunit;

namespace WebApp.Tests.Storage;

/// <summary>A fault of the database is known as one in whatever it is wrapped, and a defect of ours is not taken for one.</summary>
public sealed class DatabaseFaultsTests
{
    private static readonly SqliteException Busy = new("database is locked", 5);

    [Fact]
    public void A_fault_of_the_database_is_known_through_its_wrappings()
    {
        Assert.True(Busy.IsDatabaseAway());
        Assert.True(new TimeoutException().IsDatabaseAway());
        Assert.True(new DbUpdateException("An error occurred while saving.", Busy).IsDatabaseAway());
        Assert.True(new InvalidOperationException("Likely due to a transient failure.", Busy).IsDatabaseAway());
        Assert.True(new RetryLimitExceededException("Retried enough.", new DbUpdateException("", Busy)).IsDatabaseAway());
    }

    [Fact]
    public void A_defect_of_ours_is_not_blamed_on_the_database()
    {
        Assert.False(new InvalidOperationException().IsDatabaseAway());
        Assert.False(new OperationCanceledException().IsDatabaseAway());
        Assert.False(new OperationCanceledException("Left.", Busy).IsDatabaseAway());
        Assert.False(new DbUpdateException("No row was affected.", new InvalidOperationException()).IsDatabaseAway());
    }
}
