namespace WebApp.Storage;

/// <summary>A signing key of the access tokens, protected by Data Protection.</summary>
internal sealed class SigningKeyRow
{
    /// <summary>The <c>kid</c>.</summary>
    public required string Id { get; set; }

    public required string Algorithm { get; set; }

    public required string ProtectedMaterial { get; set; }

    public DateTimeOffset CreatedAt { get; set; }
}
