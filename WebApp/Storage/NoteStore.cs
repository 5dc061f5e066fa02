using Microsoft.EntityFrameworkCore;
using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>The notes of one person at a time: every statement names its owner.</summary>
internal sealed class NoteStore(IDbContextFactory<WebAppDb> databases, TimeProvider time)
{
    public async Task<IReadOnlyList<Note>> ListAsync(UserId owner, CancellationToken cancellation)
    {
        await using var db = await databases.CreateDbContextAsync(cancellation);
        return await db.Notes.AsNoTracking()
            .Where(note => note.UserId == owner.Value)
            .OrderByDescending(note => note.Id)
            .ToListAsync(cancellation);
    }

    public async Task<Note?> FindAsync(UserId owner, int id, CancellationToken cancellation)
    {
        await using var db = await databases.CreateDbContextAsync(cancellation);
        return await db.Notes.AsNoTracking()
            .SingleOrDefaultAsync(note => note.Id == id && note.UserId == owner.Value, cancellation);
    }

    public async Task AddAsync(UserId owner, string text, CancellationToken cancellation)
    {
        await using var db = await databases.CreateDbContextAsync(cancellation);
        db.Notes.Add(new Note { UserId = owner.Value, Text = text, CreatedAt = time.GetUtcNow() });
        await db.SaveChangesAsync(cancellation);
    }

    /// <summary>False if there is no such note of this person.</summary>
    public async Task<bool> EditAsync(UserId owner, int id, string text, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        await using var db = await databases.CreateDbContextAsync(cancellation);
        return await db.Notes
            .Where(note => note.Id == id && note.UserId == owner.Value)
            .ExecuteUpdateAsync(
                note => note.SetProperty(each => each.Text, text).SetProperty(each => each.EditedAt, now),
                cancellation) == 1;
    }

    /// <summary>Deleting a note that is gone is no error: a form may be sent twice.</summary>
    public async Task DeleteAsync(UserId owner, int id, CancellationToken cancellation)
    {
        await using var db = await databases.CreateDbContextAsync(cancellation);
        await db.Notes.Where(note => note.Id == id && note.UserId == owner.Value).ExecuteDeleteAsync(cancellation);
    }
}
