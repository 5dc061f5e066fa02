using Microsoft.Extensions.Options;
using WebApp.Configuration;

namespace WebApp.Accounts;

/// <summary>Which ways of signing in this site has.</summary>
internal sealed class SignInMethods(IOptions<UpstreamOptions> upstream)
{
    /// <summary>
    /// Whether this site asks for second steps and takes passkeys. Where an upstream issuer knows the passwords, both are its
    /// affair.
    /// </summary>
    public bool AreOurs => upstream.Value.Kind == UpstreamKind.None;
}
