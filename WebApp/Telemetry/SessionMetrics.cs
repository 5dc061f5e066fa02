using System.Diagnostics.Metrics;

namespace WebApp.Telemetry;

/// <summary>The meter <c>WebApp.Sessions</c> (contract, "Metrics"): one method an event, durations in seconds.</summary>
internal sealed class SessionMetrics : IDisposable
{
    public const string MeterName = "WebApp.Sessions";

    private readonly Meter meter;
    private readonly Counter<long> checks;
    private readonly Counter<long> refreshes;
    private readonly Histogram<double> refreshDuration;
    private readonly Histogram<double> lockWait;
    private readonly Counter<long> replays;
    private readonly Counter<long> revocations;
    private readonly Counter<long> lockUnavailable;

    public SessionMetrics(IMeterFactory factory)
    {
        meter = factory.Create(MeterName);
        checks = meter.CreateCounter<long>("webapp.session.checks", "{check}", "Requests whose session was judged.");
        refreshes = meter.CreateCounter<long>("webapp.session.refreshes", "{refresh}", "Refreshes that were decided.");
        refreshDuration = meter.CreateHistogram<double>("webapp.session.refresh.duration", "s", "Time to decide a refresh.");
        lockWait = meter.CreateHistogram<double>("webapp.session.lock.wait.duration", "s", "Time spent waiting for a user's lock.");
        replays = meter.CreateCounter<long>("webapp.session.replays", "{replay}", "Spent tokens that got their successor.");
        revocations = meter.CreateCounter<long>("webapp.session.revocations", "{session}", "Sessions that this node has ended.");
        lockUnavailable = meter.CreateCounter<long>("webapp.session.lock.unavailable", "{refresh}", "Refreshes decided without the lock.");
    }

    public void Checked(string result) => checks.Add(1, Tag("result", result));

    public void Refreshed(string outcome, string? reason, TimeSpan duration)
    {
        refreshes.Add(1, Tag("outcome", outcome), Tag("reason", reason));
        refreshDuration.Record(duration.TotalSeconds, Tag("outcome", outcome));
    }

    public void WaitedForLock(TimeSpan duration) => lockWait.Record(duration.TotalSeconds);

    public void LockUnavailable() => lockUnavailable.Add(1);

    public void Replayed(string cause) => replays.Add(1, Tag("cause", cause));

    public void Revoked(string reason) => revocations.Add(1, Tag("reason", reason));

    public void Dispose() => meter.Dispose();

    private static KeyValuePair<string, object?> Tag(string name, string? value) => new(name, value);
}
