using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;

namespace WebApp.Accounts;

/// <summary>
/// How often somebody may try to sign in: to one account, and from one address (OWASP ASVS 5.0, 6.3.1). Counted on each node, by
/// the framework's limiters and their clock. Beside it Identity locks an account after five wrong passwords.
/// </summary>
internal sealed class SignInLimits : IDisposable
{
    /// <summary>At once, to one account or from one address, which many people may share. Then one in <see cref="Pace"/>.</summary>
    public const int Burst = 100;

    /// <summary>The half of an IPv6 address that belongs to one subscriber.</summary>
    private const int Ipv6Subscriber = 8;

    public static readonly TimeSpan Pace = TimeSpan.FromSeconds(1);

    private readonly PartitionedRateLimiter<(string Name, string Address)> accounts =
        PartitionedRateLimiter.Create<(string Name, string Address), string>(
            attempt => Bucket(attempt.Name.Trim().ToUpperInvariant()));

    private readonly PartitionedRateLimiter<(string Name, string Address)> addresses =
        PartitionedRateLimiter.Create<(string Name, string Address), string>(
            attempt => Subscriber(attempt.Address) is { } subscriber
                ? Bucket(subscriber)
                : RateLimitPartition.GetNoLimiter(""));

    private readonly PartitionedRateLimiter<(string Name, string Address)> both;

    public SignInLimits() => both = PartitionedRateLimiter.CreateChained(accounts, addresses);

    /// <summary>Takes one attempt.</summary>
    /// <param name="userName">As it was typed; at the second step, the account's id.</param>
    /// <param name="ipAddress">From where.</param>
    /// <returns>Null if it may be made; else how long to wait before the next.</returns>
    public TimeSpan? TryTake(string userName, string ipAddress) => TryTake(both, userName, ipAddress);

    /// <summary>Takes one attempt of somebody who has not said who they are: with a passkey, which nobody guesses.</summary>
    /// <inheritdoc cref="TryTake(string, string)"/>
    public TimeSpan? TryTake(string ipAddress) => TryTake(addresses, "", ipAddress);

    public void Dispose()
    {
        both.Dispose();
        accounts.Dispose();
        addresses.Dispose();
    }

    private static TimeSpan? TryTake(PartitionedRateLimiter<(string Name, string Address)> limiter, string userName, string ipAddress)
    {
        using var lease = limiter.AttemptAcquire((userName, ipAddress));
        return lease.IsAcquired ? null : lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : Pace;
    }

    /// <summary>
    /// Null for this machine itself: behind a proxy that does not say whom it serves, everybody has that address, and nobody
    /// would get in.
    /// </summary>
    private static string? Subscriber(string text)
    {
        if (!IPAddress.TryParse(text, out var address) || IPAddress.IsLoopback(address))
        {
            return null;
        }

        return address is { AddressFamily: AddressFamily.InterNetworkV6, IsIPv4MappedToIPv6: false }
            ? Convert.ToHexString(address.GetAddressBytes(), 0, Ipv6Subscriber)
            : text;
    }

    private static RateLimitPartition<string> Bucket(string key) =>
        RateLimitPartition.GetTokenBucketLimiter(key, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = Burst,
            TokensPerPeriod = 1,
            ReplenishmentPeriod = Pace,
            QueueLimit = 0,
        });
}
