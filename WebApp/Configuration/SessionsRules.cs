using Microsoft.Extensions.Options;

namespace WebApp.Configuration;

/// <summary>What the values of <see cref="SessionsOptions"/> must satisfy (protocol, "Time").</summary>
internal sealed class SessionsRules : IValidateOptions<SessionsOptions>
{
    /// <summary>No lifetime is longer, so that no sum of them leaves the calendar.</summary>
    private static readonly TimeSpan LongestLifetime = TimeSpan.FromDays(3650);

    /// <summary>No lock is longer: a timer cannot count to fifty days, and a person does not wait that long.</summary>
    private static readonly TimeSpan LongestLock = TimeSpan.FromHours(1);

    private static readonly TimeSpan ShortestLease = TimeSpan.FromMilliseconds(100);

    public ValidateOptionsResult Validate(string? name, SessionsOptions options)
    {
        var complaints = new Complaints(SessionsOptions.Section);

        Lifetime(complaints, nameof(options.AccessTokenLifetime), options.AccessTokenLifetime);
        Lifetime(complaints, nameof(options.IdleTimeout), options.IdleTimeout);
        Lifetime(complaints, nameof(options.AbsoluteLifetime), options.AbsoluteLifetime);
        Lifetime(complaints, nameof(options.ReplayWindow), options.ReplayWindow);
        complaints.Unless(
            options.Jitter is >= 0 and <= 0.5,
            nameof(options.Jitter), options.Jitter, "must be between 0 and 0.5");
        if (complaints.None)
        {
            Relations(complaints, options);
        }

        complaints.Unless(
            options.LockLease >= ShortestLease && options.LockLease <= LongestLock,
            nameof(options.LockLease), options.LockLease, $"must be at least 00:00:00.1 and at most {LongestLock}");
        complaints.Unless(
            options.LockWait > TimeSpan.Zero && options.LockWait <= LongestLock,
            nameof(options.LockWait), options.LockWait, $"must be longer than zero and at most {LongestLock}");
        complaints.Unless(
            !string.IsNullOrWhiteSpace(options.Issuer),
            nameof(options.Issuer), options.Issuer, "must not be empty");
        complaints.Unless(
            !string.IsNullOrWhiteSpace(options.Audience),
            nameof(options.Audience), options.Audience, "must not be empty");
        complaints.Unless(
            options.Algorithm is "ES256" or "RS256" or "HS256",
            nameof(options.Algorithm), options.Algorithm, "must be one of ES256, RS256, HS256");

        return complaints.Result();
    }

    private static void Lifetime(Complaints complaints, string key, TimeSpan value) => complaints.Unless(
        value > TimeSpan.Zero && value <= LongestLifetime, key, value, $"must be longer than zero and at most {LongestLifetime}");

    private static void Relations(Complaints complaints, SessionsOptions options)
    {
        var shortestAccess = (1 - options.Jitter) * options.AccessTokenLifetime;
        complaints.Unless(
            2 * options.ReplayWindow <= shortestAccess,
            nameof(options.ReplayWindow), options.ReplayWindow,
            $"must be at most half of the shortest access token lifetime, (1 - Jitter) x AccessTokenLifetime = {shortestAccess}");

        var rotation = options.AccessTokenLifetime + options.ReplayWindow;
        complaints.Unless(
            options.IdleTimeout > rotation,
            nameof(options.IdleTimeout), options.IdleTimeout,
            $"must be longer than AccessTokenLifetime + ReplayWindow = {rotation}");
        complaints.Unless(
            options.AbsoluteLifetime >= options.IdleTimeout,
            nameof(options.AbsoluteLifetime), options.AbsoluteLifetime, $"must be at least IdleTimeout = {options.IdleTimeout}");
    }
}
