namespace WebApp.Tokens;

/// <summary>The names of <see cref="RefusalReason"/> in the database, in the address of the login page, and for programs.</summary>
internal static class RefusalReasonNames
{
    public static string Name(this RefusalReason reason) => reason switch
    {
        RefusalReason.Invalid => "invalid",
        RefusalReason.Expired => "expired",
        RefusalReason.Revoked => "revoked",
        RefusalReason.EndedByAdministrator => "ended_by_administrator",
        RefusalReason.PasswordChanged => "password_changed",
        RefusalReason.Reuse => "reuse",
        RefusalReason.AccountChanged => "account_changed",
        RefusalReason.UpstreamRefused => "upstream_refused",
    };

    /// <summary>One of the six names that programs may rely on (contract, "Answers to programs").</summary>
    public static string NameForPrograms(this RefusalReason reason) => reason switch
    {
        RefusalReason.EndedByAdministrator => RefusalReason.Revoked.Name(),
        RefusalReason.PasswordChanged => RefusalReason.AccountChanged.Name(),
        RefusalReason.Invalid
            or RefusalReason.Expired
            or RefusalReason.Revoked
            or RefusalReason.Reuse
            or RefusalReason.AccountChanged
            or RefusalReason.UpstreamRefused => reason.Name(),
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
