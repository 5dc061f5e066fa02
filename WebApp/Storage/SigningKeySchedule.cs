using WebApp.Configuration;
using WebApp.Tokens;

namespace WebApp.Storage;

/// <summary>
/// Which signing keys are missing, which are accepted and which of them signs: a function of the rows and the time alone, so
/// that all nodes come to the same answer (decision 8).
/// </summary>
internal sealed class SigningKeySchedule(IReadOnlyList<SigningKeyRow> rows, SessionsOptions options, DateTimeOffset now)
{
    /// <summary>How long before its period a key is made: twice <see cref="Notice"/>, so that a day's outage delays nothing.</summary>
    public static readonly TimeSpan Ahead = TimeSpan.FromDays(2);

    /// <summary>
    /// How long a key is published before it signs, unless there is no other to sign with. A node that meets a key it does not
    /// know refreshes, and two nodes that do so by turns move a session faster than its replay windows allow; a client may keep
    /// the key set for an hour. A day is far beyond both.
    /// </summary>
    public static readonly TimeSpan Notice = TimeSpan.FromDays(1);

    /// <summary>How much longer than its period a key signs at most: until a successor that was made late has had its notice.</summary>
    public static readonly TimeSpan Overtime = TimeSpan.FromDays(2);

    /// <summary>For clocks that differ, and for an access token lifetime that was shortened meanwhile.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromDays(1);

    /// <summary>A key from before there were periods counts as one of the first period there is, and retires with its key.</summary>
    private readonly int first = rows
        .Select(row => SigningPeriod.Of(row.Id, row.Algorithm)?.Number)
        .Min() ?? SigningPeriod.At(now).Number;

    /// <summary>The names of the keys that somebody has to make: this period's, and in good time the next one's.</summary>
    public IReadOnlyList<string> Missing =>
    [
        .. new[] { SigningPeriod.At(now), SigningPeriod.At(now + Ahead) }
            .Distinct()
            .Select(period => period.KeyId(options.Algorithm))
            .Where(id => rows.All(row => row.Id != id)),
    ];

    /// <summary>
    /// The keys whose tokens are accepted. They begin with the one that signs; where that cannot be used, the next one does.
    /// A key of another algorithm goes on signing until one of the configured algorithm has had its notice.
    /// </summary>
    public IEnumerable<SigningKeyRow> Accepted => rows
        .Where(row => PeriodOf(row) >= OldestAccepted)
        .OrderByDescending(IsInTime)
        .ThenBy(row => HasHadNotice(row) ? DateTimeOffset.MinValue : row.CreatedAt)
        .ThenByDescending(row => row.Algorithm == options.Algorithm)
        .ThenByDescending(PeriodOf)
        .ThenByDescending(row => row.CreatedAt)
        .ThenBy(row => row.Id, StringComparer.Ordinal);

    /// <summary>The names of the keys that were retired a whole period ago, and are nobody's any more.</summary>
    public IReadOnlyList<string> LongRetired =>
        [.. rows.Where(row => PeriodOf(row) < OldestAccepted - 1).Select(row => row.Id)];

    /// <summary>
    /// The last token of a key is signed at the end of its overtime at the latest. Once that has expired, the key is neither
    /// accepted nor published.
    /// </summary>
    private int OldestAccepted => SigningPeriod.At(now - Overtime - options.AccessTokenLifetime - Slack).Number;

    private int PeriodOf(SigningKeyRow row) => SigningPeriod.Of(row.Id, row.Algorithm)?.Number ?? first;

    private bool IsInTime(SigningKeyRow row) =>
        PeriodOf(row) <= SigningPeriod.At(now).Number && PeriodOf(row) >= SigningPeriod.At(now - Overtime).Number;

    private bool HasHadNotice(SigningKeyRow row) => row.CreatedAt <= now - Notice;
}
