namespace WebApp.Configuration;

/// <summary>
/// The section <c>Upstream</c> of the configuration. It is read although there is one answer yet: a site that was told of an
/// issuer it cannot use must not start and sign people in with local passwords instead.
/// </summary>
internal sealed class UpstreamOptions
{
    public const string Section = "Upstream";

    public UpstreamKind Kind { get; set; } = UpstreamKind.None;
}

/// <summary>Who knows the passwords.</summary>
internal enum UpstreamKind
{
    /// <summary>This site, by ASP.NET Core Identity.</summary>
    None,
}
