using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;

namespace WebApp.Storage;

/// <summary>The database of the site: accounts, sessions, signing keys, notes. On its own it is SQLite's.</summary>
internal class WebAppDb : IdentityDbContext<Account>
{
    private const int MaxKey = 256;

    public WebAppDb(DbContextOptions<WebAppDb> options)
        : base(options)
    {
    }

    protected WebAppDb(DbContextOptions options)
        : base(options)
    {
    }

    public DbSet<SessionRow> Sessions => Set<SessionRow>();

    public DbSet<SecurityEvent> SecurityEvents => Set<SecurityEvent>();

    public DbSet<SigningKeyRow> SigningKeys => Set<SigningKeyRow>();

    public DbSet<Note> Notes => Set<Note>();

    /// <summary>Times are whole milliseconds since 1970: SQLite compares them as numbers, and every provider alike.</summary>
    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder) =>
        configurationBuilder.Properties<DateTimeOffset>().HaveConversion<UnixMilliseconds>();

    protected override void OnModelCreating(ModelBuilder builder)
    {
        base.OnModelCreating(builder);

        builder.Entity<SessionRow>(session =>
        {
            session.ToTable("Sessions");
            session.Property(row => row.Id).ValueGeneratedNever();
            session.Property(row => row.UserId).HasMaxLength(MaxKey);
            session.Property(row => row.SecurityStamp).HasMaxLength(MaxKey);
            session.Property(row => row.RevokedReason).HasMaxLength(32);
            session.Property(row => row.Transport).HasConversion<string>().HasMaxLength(16);
            session.Property(row => row.UserAgent).HasMaxLength(ClientInfo.MaxUserAgent);
            session.Property(row => row.IpAddress).HasMaxLength(ClientInfo.MaxIpAddress);
            session.HasIndex(row => row.UserId);
            session.HasIndex(row => row.RevokedAt).HasFilter("\"RevokedAt\" IS NOT NULL");
            session.HasIndex(row => row.ExpiresAt);
            session.HasIndex(row => row.LastUsedAt);
        });

        builder.Entity<SecurityEvent>(securityEvent =>
        {
            securityEvent.ToTable("SecurityEvents");
            securityEvent.Property(row => row.UserId).HasMaxLength(MaxKey);
            securityEvent.Property(row => row.Kind).HasMaxLength(32);
            securityEvent.Property(row => row.UserAgent).HasMaxLength(ClientInfo.MaxUserAgent);
            securityEvent.Property(row => row.IpAddress).HasMaxLength(ClientInfo.MaxIpAddress);
            securityEvent.HasIndex(row => new { row.UserId, row.At });
        });

        builder.Entity<SigningKeyRow>(key =>
        {
            key.ToTable("SigningKeys");
            key.Property(row => row.Id).HasMaxLength(64);
            key.Property(row => row.Algorithm).HasMaxLength(16);
        });

        builder.Entity<Note>(note =>
        {
            note.ToTable("Notes");
            note.Property(row => row.UserId).HasMaxLength(MaxKey);
            note.Property(row => row.Text).HasMaxLength(Note.MaxLength);
            note.HasIndex(row => row.UserId);
        });
    }

    private sealed class UnixMilliseconds() : ValueConverter<DateTimeOffset, long>(
        time => time.ToUnixTimeMilliseconds(),
        milliseconds => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds));
}
