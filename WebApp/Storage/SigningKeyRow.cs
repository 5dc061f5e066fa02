namespace WebApp.Storage;

/// <summary>A signing key of the access tokens, protected by Data Protection.</summary>
internal sealed class SigningKeyRow
{
    /// <summary>
    /// The <c>kid</c>: the algorithm and the number of its <see cref="Tokens.SigningPeriod"/>. Keys from before there were periods
    /// have random ones.
    /// </summary>
    public required string Id { get; set; }

    public required string Algorithm { get; set; }

    public required string ProtectedMaterial { get; set; }

    /// <summary>When it was made, by the clock of the node that made it: its notice counts from then.</summary>
    public DateTimeOffset CreatedAt { get; set; }
}
