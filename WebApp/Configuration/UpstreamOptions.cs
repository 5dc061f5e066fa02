namespace WebApp.Configuration;

/// <summary>The section <c>Upstream</c> of the configuration. Checked at start by <see cref="UpstreamRules"/>.</summary>
internal sealed class UpstreamOptions
{
    public const string Section = "Upstream";

    public UpstreamKind Kind { get; set; } = UpstreamKind.None;

    /// <summary>Where the issuer is: <c>api/token/</c> and the API that is called as the user lie below it.</summary>
    public string BaseAddress { get; set; } = "";

    /// <summary>What its access tokens are known by: the shared secret of HS256, or a public key in PEM.</summary>
    public string SigningKey { get; set; } = "";

    /// <summary>Where its public keys are, in place of <see cref="SigningKey"/> (RFC 7517, section 5).</summary>
    public string JwksUri { get; set; } = "";

    /// <summary>How long it may take to answer.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);
}

/// <summary>Who knows the passwords.</summary>
internal enum UpstreamKind
{
    /// <summary>This site, by ASP.NET Core Identity.</summary>
    None,

    /// <summary>A server with Django REST framework Simple JWT.</summary>
    SimpleJwt,
}
