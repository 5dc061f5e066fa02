using Microsoft.EntityFrameworkCore;
using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>The kept forms of one person at one browser at a time: every statement names both.</summary>
internal sealed class KeptForms(IDbContextFactory<WebAppDb> databases, TimeProvider time)
{
    /// <summary>Most forms kept of one person. The oldest makes room.</summary>
    public const int MaxOfOnePerson = 10;

    /// <summary>How long a form is kept.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(24);

    /// <summary>Keeps a form, and says under which name.</summary>
    public async Task<Guid> AddAsync(UserId user, byte[] browser, byte[] content)
    {
        var now = time.GetUtcNow();
        var form = new KeptForm
        {
            Id = Guid.NewGuid(),
            UserId = user.Value,
            Browser = browser,
            CreatedAt = now,
            ExpiresAt = now + Lifetime,
            Content = content,
        };
        await using var db = await databases.CreateDbContextAsync(CancellationToken.None);
        db.KeptForms.Add(form);
        await db.SaveChangesAsync(CancellationToken.None);
        var surplus = await db.KeptForms
            .Where(each => each.UserId == user.Value)
            .OrderByDescending(each => each.CreatedAt)
            .Skip(MaxOfOnePerson)
            .Select(each => each.Id)
            .ToListAsync(CancellationToken.None);
        if (surplus.Count > 0)
        {
            await db.KeptForms.Where(each => surplus.Contains(each.Id)).ExecuteDeleteAsync(CancellationToken.None);
        }

        return form.Id;
    }

    /// <summary>The form of that name, or the newest of this person at this browser; null if there is none.</summary>
    public async Task<KeptForm?> FindAsync(UserId user, byte[] browser, Guid? id, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        await using var db = await databases.CreateDbContextAsync(cancellation);
        return await db.KeptForms.AsNoTracking()
            .Where(each => each.UserId == user.Value && each.Browser == browser && each.ExpiresAt > now)
            .Where(each => id == null || each.Id == id)
            .OrderByDescending(each => each.CreatedAt)
            .FirstOrDefaultAsync(cancellation);
    }

    /// <summary>Takes a form to send it. One caller can: the first who has it as it was shown to its sender.</summary>
    /// <param name="id">Which.</param>
    /// <param name="sentBefore">When it had been sent before, as its sender was told.</param>
    public async Task<bool> TryTakeAsync(Guid id, DateTimeOffset? sentBefore)
    {
        var now = time.GetUtcNow();
        await using var db = await databases.CreateDbContextAsync(CancellationToken.None);
        return await db.KeptForms
            .Where(each => each.Id == id && each.SentAt == sentBefore && each.ExpiresAt > now)
            .ExecuteUpdateAsync(each => each.SetProperty(row => row.SentAt, now), CancellationToken.None) == 1;
    }

    /// <summary>Forgets a form: it has arrived, or its sender does not want it any more.</summary>
    public async Task DeleteAsync(UserId user, Guid id)
    {
        await using var db = await databases.CreateDbContextAsync(CancellationToken.None);
        await db.KeptForms.Where(each => each.Id == id && each.UserId == user.Value).ExecuteDeleteAsync(CancellationToken.None);
    }

    /// <summary>Forgets what somebody else has left at this browser: never shown, discarded.</summary>
    public async Task DeleteOfOthersAsync(UserId user, byte[] browser)
    {
        await using var db = await databases.CreateDbContextAsync(CancellationToken.None);
        await db.KeptForms
            .Where(each => each.Browser == browser && each.UserId != user.Value)
            .ExecuteDeleteAsync(CancellationToken.None);
    }
}
