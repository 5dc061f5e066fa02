namespace WebApp.Tokens;

/// <summary>The names of <see cref="RefusalReason"/> on the wire and in the database.</summary>
internal static class RefusalReasonNames
{
    public static string Name(this RefusalReason reason) => reason switch
    {
        RefusalReason.Invalid => "invalid",
        RefusalReason.Expired => "expired",
        RefusalReason.Revoked => "revoked",
        RefusalReason.Reuse => "reuse",
        RefusalReason.AccountChanged => "account_changed",
        RefusalReason.UpstreamRefused => "upstream_refused",
    };

    /// <summary>The reason of that name, or null.</summary>
    public static RefusalReason? Parse(string? name)
    {
        foreach (var reason in Enum.GetValues<RefusalReason>())
        {
            if (reason.Name() == name)
            {
                return reason;
            }
        }

        return null;
    }
}
