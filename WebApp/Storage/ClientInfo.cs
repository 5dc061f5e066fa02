namespace WebApp.Storage;

/// <summary>What a request tells of the device that sent it. For the person's eyes; nothing is decided by it.</summary>
internal sealed record ClientInfo(string UserAgent, string IpAddress)
{
    /// <summary>Longest stored user agent, in characters.</summary>
    public const int MaxUserAgent = 256;

    /// <summary>Longest stored address, in characters: an IPv6 address with its zone.</summary>
    public const int MaxIpAddress = 64;

    public static ClientInfo Of(string? userAgent, string? ipAddress) => new(
        Cut(userAgent ?? "", MaxUserAgent),
        Cut(ipAddress ?? "", MaxIpAddress));

    private static string Cut(string text, int length) => text.Length <= length ? text : text[..length];
}
