using WebApp.Coordination;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Coordination;

/// <summary>Scenario 45: what is remembered of sessions that were refused, for how long, and how much of it.</summary>
public sealed class DeadSessionsTests : IDisposable
{
    private const int Room = 10_000;

    private readonly WatchedTime time = new();
    private readonly DeadSessions dead;

    public DeadSessionsTests() => dead = new DeadSessions(time);

    public void Dispose() => dead.Dispose();

    [Fact]
    public void A_refusal_is_remembered_for_a_minute_and_not_on_its_stroke()
    {
        var session = SessionId.New();
        dead.Remember(session, RefusalReason.Reuse);
        time.Advance(TimeSpan.FromMinutes(1) - TimeSpan.FromMilliseconds(1));
        Assert.Equal(RefusalReason.Reuse, dead.ReasonFor(session));

        time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Null(dead.ReasonFor(session));
    }

    [Fact]
    public void Of_another_session_nothing_is_known()
    {
        dead.Remember(SessionId.New(), RefusalReason.Reuse);

        Assert.Null(dead.ReasonFor(SessionId.New()));
    }

    /// <summary>A flood of dead cookies fills no memory.</summary>
    [Fact]
    public void No_more_are_remembered_than_there_is_room_for()
    {
        var sessions = Enumerable.Range(0, Room + 1).Select(_ => SessionId.New()).ToList();

        sessions.ForEach(session => dead.Remember(session, RefusalReason.Reuse));

        Assert.InRange(sessions.Count(session => dead.ReasonFor(session) is not null), 1, Room);
    }
}
