using WebApp.Locking;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Composition;

/// <summary>
/// Joins two rooms that do not know each other: a node that has ended a session rings, and every node that hears it reads at
/// once which. The database alone says what was ended, and is read twice a second all the same (scenario 21).
/// </summary>
internal sealed class RevocationBell(RedisBell bell, RevokedSessions revoked, RevokedSessionsReader reader) : BackgroundService
{
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        revoked.EndedHere += Ring;
        return base.StartAsync(cancellationToken);
    }

    public override Task StopAsync(CancellationToken cancellationToken)
    {
        revoked.EndedHere -= Ring;
        return base.StopAsync(cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => bell.HearAsync(reader.ReadSoon, stoppingToken);

    private void Ring(SessionId session) => bell.Ring();
}
