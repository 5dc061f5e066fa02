namespace WebApp.Tests.Simulation;

/// <summary>What a world can hold. Each of them has to occur, or the simulation does not show what it claims to.</summary>
internal enum Event
{
    Schedule, Step,
    Request, Page, Program, Form, PublicPage, LoginPage, Prefetch, SignIn, SignInAsSomebodyElse, SignOut,
    Abort, ResponseLost, HalfAPairLost, PairTooLate, SlowHandler, StreamedResponse, LongSleep,
    Rotation, Replay, ReplayAfterLongLoss, RotationFromAhead, Reuse, Refusal, Unavailable, Seen,
    Theft, TheftCaught, AdminRevoke, AccountDisabled, StampChanged, IdleEnd,
    Crash, CrashWithLock, Freeze, Failover,
    DatabaseDown, DatabaseSlow, StatementLost, AnswerLost,
    RedisFlushed, RedisAway, RedisTimesOut, RedisSlow, LockTaken, LockExpired, LockWait, LockRenewal,
}

/// <summary>How often each happened.</summary>
internal sealed class Totals
{
    private readonly long[] counts = new long[Enum.GetValues<Event>().Length];

    public long this[Event what] => counts[(int)what];

    public void Count(Event what, long times = 1) => counts[(int)what] += times;

    public void Add(Totals other)
    {
        for (var each = 0; each < counts.Length; each++)
        {
            counts[each] += other.counts[each];
        }
    }

    public IEnumerable<Event> Missing() => Enum.GetValues<Event>().Where(each => this[each] == 0);

    public override string ToString() =>
        string.Join(", ", Enum.GetValues<Event>().Select(each => FormattableString.Invariant($"{each} {this[each]:N0}")));
}
