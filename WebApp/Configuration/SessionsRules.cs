using Microsoft.Extensions.Options;

namespace WebApp.Configuration;

/// <summary>What the values of <see cref="SessionsOptions"/> must satisfy (protocol, "Time").</summary>
internal sealed class SessionsRules : IValidateOptions<SessionsOptions>
{
    public ValidateOptionsResult Validate(string? name, SessionsOptions options)
    {
        var complaints = new Complaints(SessionsOptions.Section);

        complaints.Unless(
            options.AccessTokenLifetime > TimeSpan.Zero,
            nameof(options.AccessTokenLifetime), options.AccessTokenLifetime, "must be longer than zero");
        complaints.Unless(
            options.Jitter is >= 0 and <= 0.5,
            nameof(options.Jitter), options.Jitter, "must be between 0 and 0.5");
        complaints.Unless(
            options.ReplayWindow > TimeSpan.Zero,
            nameof(options.ReplayWindow), options.ReplayWindow, "must be longer than zero");
        complaints.Unless(
            2 * options.ReplayWindow <= (1 - options.Jitter) * options.AccessTokenLifetime,
            nameof(options.ReplayWindow), options.ReplayWindow,
            $"must be at most half of the shortest access token lifetime, (1 - Jitter) x AccessTokenLifetime = {(1 - options.Jitter) * options.AccessTokenLifetime}");
        complaints.Unless(
            options.IdleTimeout > options.AccessTokenLifetime + options.ReplayWindow,
            nameof(options.IdleTimeout), options.IdleTimeout,
            $"must be longer than AccessTokenLifetime + ReplayWindow = {options.AccessTokenLifetime + options.ReplayWindow}");
        complaints.Unless(
            options.AbsoluteLifetime >= options.IdleTimeout,
            nameof(options.AbsoluteLifetime), options.AbsoluteLifetime, $"must be at least IdleTimeout = {options.IdleTimeout}");
        complaints.Unless(
            options.LockLease >= TimeSpan.FromMilliseconds(100),
            nameof(options.LockLease), options.LockLease, "must be at least 00:00:00.1");
        complaints.Unless(
            options.LockWait > TimeSpan.Zero,
            nameof(options.LockWait), options.LockWait, "must be longer than zero");
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
}
