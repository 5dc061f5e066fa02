using WebApp.Tokens;

namespace WebApp.Upstream;

/// <summary>
/// An issuer of tokens behind this site (protocol, "An upstream issuer"). How a person signs in with it is another matter: by
/// name and password (<see cref="IPasswordIssuer"/>) or, some day, by being sent there (OpenID Connect Core 1.0). From then on
/// every issuer is this.
/// </summary>
internal interface IUpstreamIssuer
{
    /// <summary>
    /// Trades the refresh token for a new pair. It may be good for one such call, so this is never tried again by itself, unless
    /// the connection was refused.
    /// </summary>
    /// <param name="spent">The tokens at hand; all of them are worth nothing once this was granted.</param>
    /// <param name="deadline">When to give up waiting. The issuer may have granted it all the same.</param>
    Task<UpstreamAnswer> SpendAsync(UpstreamTokens spent, CancellationToken deadline);

    /// <summary>Tells the issuer that these tokens are not to be accepted any more. Safe to say twice.</summary>
    /// <returns>False if the issuer could not be told.</returns>
    Task<bool> TryEndAsync(UpstreamTokens tokens, CancellationToken cancellation);
}

/// <summary>An issuer that takes names and passwords.</summary>
internal interface IPasswordIssuer
{
    Task<UpstreamAnswer> SignInAsync(string userName, string password, CancellationToken cancellation);
}
