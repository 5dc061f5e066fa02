using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;

namespace WebApp.Storage;

/// <summary>The database of the site: accounts, sessions, signing keys, notes. On its own it is SQLite's.</summary>
internal class WebAppDb : IdentityDbContext<Account>
{
    private const int MaxKey = 256;

    /// <summary>Longest id of a passkey, in bytes (Web Authentication Level 3, section 4, "Credential ID").</summary>
    private const int MaxCredential = 1023;

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

    public DbSet<KeptForm> KeptForms => Set<KeptForm>();

    public DbSet<SigningKeyRow> SigningKeys => Set<SigningKeyRow>();

    public DbSet<Note> Notes => Set<Note>();

    /// <summary>Times are whole milliseconds since 1970: SQLite compares them as numbers, and every provider alike.</summary>
    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder) =>
        configurationBuilder.Properties<DateTimeOffset>().HaveConversion<UnixMilliseconds>();

    protected override void OnModelCreating(ModelBuilder builder)
    {
        base.OnModelCreating(builder);

        // The third version of Identity's schema. It takes that from options of the host's, which no migration and no test has.
        builder.Entity<IdentityUserPasskey<string>>(passkey =>
        {
            passkey.ToTable("AspNetUserPasskeys");
            passkey.HasKey(row => row.CredentialId);
            passkey.Property(row => row.CredentialId).HasMaxLength(MaxCredential);
            passkey.OwnsOne(row => row.Data, data => data.ToJson());
            passkey.HasOne<Account>().WithMany().HasForeignKey(row => row.UserId).IsRequired();
        });

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
            session.HasIndex(row => new { row.UserId, row.LastUsedAt, row.Id });
            session.HasIndex(row => row.RevokedAt).HasFilter("\"RevokedAt\" IS NOT NULL");
            session.HasIndex(row => row.ExpiresAt);
            session.HasIndex(row => new { row.LastUsedAt, row.Id });
        });

        builder.Entity<SecurityEvent>(securityEvent =>
        {
            securityEvent.ToTable("SecurityEvents");
            securityEvent.Property(row => row.UserId).HasMaxLength(MaxKey);
            securityEvent.Property(row => row.Kind).HasMaxLength(32);
            securityEvent.Property(row => row.UserAgent).HasMaxLength(ClientInfo.MaxUserAgent);
            securityEvent.Property(row => row.IpAddress).HasMaxLength(ClientInfo.MaxIpAddress);
            securityEvent.HasIndex(row => new { row.UserId, row.At });
            securityEvent.HasIndex(row => row.At);
        });

        builder.Entity<KeptForm>(form =>
        {
            form.ToTable("KeptForms");
            form.Property(row => row.Id).ValueGeneratedNever();
            form.Property(row => row.UserId).HasMaxLength(MaxKey);
            form.Property(row => row.Browser).HasMaxLength(32);
            form.HasIndex(row => new { row.UserId, row.CreatedAt });
            form.HasIndex(row => row.Browser);
            form.HasIndex(row => row.ExpiresAt);
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
