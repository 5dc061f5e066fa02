using WebApp.Tokens;

namespace WebApp.Sessions;

/// <summary>What is wrong with a token that a program sent, in the words of Simple JWT (contract, "Simple JWT's wire contract").</summary>
/// <param name="Detail">The sentence.</param>
/// <param name="Reason">The same for those who know this site.</param>
internal sealed record TokenFault(string Detail, RefusalReason Reason)
{
    /// <summary>An access token where a refresh token belongs, or the other way around.</summary>
    public static TokenFault WrongType { get; } = new("Token has wrong type", RefusalReason.Invalid);

    /// <summary>What stands in the Authorization header is no token, or two.</summary>
    public static TokenFault BadHeader { get; } =
        new("Authorization header must contain two space-delimited values", RefusalReason.Invalid);

    public static TokenFault Of(RefusalReason reason) => new(
        reason switch
        {
            RefusalReason.Invalid => "Token is invalid",
            RefusalReason.Expired => "Token is expired",
            RefusalReason.Revoked
                or RefusalReason.EndedByAdministrator
                or RefusalReason.PasswordChanged
                or RefusalReason.Reuse
                or RefusalReason.UpstreamRefused => "Token is blacklisted",
            RefusalReason.AccountChanged => "No active account found for the given token.",
        },
        reason);
}
