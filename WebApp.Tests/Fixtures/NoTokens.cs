using System.Text.RegularExpressions;
using Xunit;

namespace WebApp.Tests.Fixtures;

/// <summary>What a token of this site looks like, wherever it turns up.</summary>
internal static partial class NoTokens
{
    /// <summary>Fails if a line of the log holds anything that looks like an access or a refresh token.</summary>
    public static void In(LogProbe logs) =>
        Assert.All(logs.Entries, entry => Assert.DoesNotMatch(Tokens(), entry.Text));

    /// <summary>A JSON object in base64url before a dot; what every protection of ASP.NET Core Data Protection begins with.</summary>
    [GeneratedRegex(@"eyJ[\w-]{8,}\.|CfDJ8[\w-]{8,}")]
    public static partial Regex Tokens();
}
