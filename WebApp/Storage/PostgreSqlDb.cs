using Microsoft.AspNetCore.DataProtection.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;

namespace WebApp.Storage;

/// <summary>
/// The same database on PostgreSQL, with migrations of its own, and with the one ring of Data Protection keys that all nodes
/// share.
/// </summary>
internal sealed class PostgreSqlDb(DbContextOptions<PostgreSqlDb> options) : WebAppDb(options), IDataProtectionKeyContext
{
    public DbSet<DataProtectionKey> DataProtectionKeys => Set<DataProtectionKey>();
}
