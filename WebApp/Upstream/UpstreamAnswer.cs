using WebApp.Tokens;

namespace WebApp.Upstream;

/// <summary>What an issuer said.</summary>
internal enum UpstreamStatus
{
    Granted,

    /// <summary>It said no, in words that leave no doubt.</summary>
    Refused,

    /// <summary>It said nothing, or nothing that can be understood: a time-out, an error of its own, a redirect, a page.</summary>
    Unavailable,
}

/// <summary>A status and what goes with it.</summary>
/// <param name="Tokens">If granted.</param>
/// <param name="User">Whose they are, if granted: the issuer's name for itself, and its name for the person.</param>
internal sealed record UpstreamAnswer(UpstreamStatus Status, UpstreamTokens? Tokens = null, UserId? User = null)
{
    public static UpstreamAnswer Refused { get; } = new(UpstreamStatus.Refused);

    public static UpstreamAnswer Unavailable { get; } = new(UpstreamStatus.Unavailable);
}

/// <summary>The issuer is away while somebody waits for it. No refusal of anything.</summary>
internal sealed class UpstreamAwayException() : Exception("The upstream issuer did not answer, or not in words that can be understood.");
