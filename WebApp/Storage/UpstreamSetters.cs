using Microsoft.EntityFrameworkCore.Query;

namespace WebApp.Storage;

/// <summary>What storing a pair of the upstream issuer's writes, be it alone or together with a rotation.</summary>
internal static class UpstreamSetters
{
    public static UpdateSettersBuilder<SessionRow> Store(this UpdateSettersBuilder<SessionRow> row, UpstreamRenewal renewal) => row
        .SetProperty(each => each.UpstreamTokens, renewal.Tokens)
        .SetProperty(each => each.UpstreamVersion, renewal.Replaces + 1)
        .SetProperty(each => each.UpstreamSpending, false)
        .SetProperty(each => each.UpstreamRefusedAt, (DateTimeOffset?)null);
}
