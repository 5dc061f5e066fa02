namespace WebApp.Storage;

/// <summary>A person's note: what the example pages keep.</summary>
internal sealed class Note
{
    /// <summary>Longest text, in characters.</summary>
    public const int MaxLength = 2000;

    public int Id { get; set; }

    public required string UserId { get; set; }

    public required string Text { get; set; }

    public DateTimeOffset CreatedAt { get; set; }

    public DateTimeOffset? EditedAt { get; set; }
}
