namespace WebApp.Tests.Simulation.Teeth;

/// <summary>The mistakes that the simulation must be able to find. Each was made by somebody, somewhere, in good faith.</summary>
internal static class Defects
{
    private const string Rulings = "WebApp/Storage/SessionRuling.cs";
    private const string Judge = "WebApp/Storage/RotationJudge.cs";
    private const string Reader = "WebApp/Storage/RevokedSessionsReader.cs";
    private const string Coordinator = "WebApp/Coordination/RefreshCoordinator.cs";
    private const string Flights = "WebApp/Coordination/Flights.cs";
    private const string Door = "WebApp/Sessions/SessionDoor.cs";
    private const string Session = "WebApp/Sessions/UserSession.cs";
    private const string LockScripts = "WebApp/Locking/RedisLockSlot.cs";
    private const string Middleware = "WebApp/Sessions/UserSessionMiddleware.cs";

    /// <summary>The statements in memory, which another test holds to those in the database.</summary>
    private const string Rows = "WebApp.Tests/Simulation/Rows.cs";

    public static IReadOnlyList<Defect> All { get; } =
    [
        new("The window counts from the rotation", Invariant.NoSpuriousSignOut, 2,
            new Edit(Rulings, "(row.SeenAt is not { } seenAt || now - seenAt <= replayWindow)", "now - row.RotatedAt <= replayWindow")),
        new("The window counts from signing in", Invariant.NoSpuriousSignOut, 1,
            new Edit(Rulings, "(row.SeenAt is not { } seenAt || now - seenAt <= replayWindow)", "now - row.CreatedAt <= replayWindow")),
        new("Whether the successor was seen is ignored", Invariant.TheftIsCaught, 592,
            new Edit(Rulings, "(row.SeenAt is not { } seenAt || now - seenAt <= replayWindow)", "true"),
            new Edit(Rows, "            || (row.SeenAt is { } seenAt && seenAt < seenSince)\n", "")),
        new("A spent token is always reuse", Invariant.NoSpuriousSignOut, 1,
            new Edit(Rulings, "return presented.Value == row.Generation - 1 &&", "return presented.Value == row.Generation &&")),
        new("A rotation forgets that nobody has seen the new generation", Invariant.NoSpuriousSignOut, 1,
            new Edit(Rows, "        row.SeenAt = null;\n", "")),
        new("A generation ahead of the row is refused", Invariant.UnavailableNeedsAFault, 214,
            new Edit(Rows, "row.Generation > presented.Generation.Value", "row.Generation != presented.Generation.Value")),
        new("The account is judged outside of the statement", Invariant.NoResurrection, 34,
            new Edit(Rows, "            || row.LastUsedAt <= idleSince\n            || !HasItsAccount(row))", "            || row.LastUsedAt <= idleSince)")),
        new("A replay does not look whether the session still lives", Invariant.NoResurrection, 1_506,
            new Edit(Rows, "            || (row.SeenAt is { } seenAt && seenAt < seenSince)\n            || row.RevokedAt is not null\n", "            || (row.SeenAt is { } seenAt && seenAt < seenSince)\n")),
        new("A commit of unknown outcome is a refusal", Invariant.NoSpuriousSignOut, 8,
            new Edit(Judge, "            // Nothing was decided, or nobody knows what", "            return RotationVerdict.Rejected(RefusalReason.Revoked);\n            // Nothing was decided, or nobody knows what")),
        new("That something was unavailable is remembered", Invariant.NoSpuriousSignOut, 8,
            new Edit(Coordinator, "            case RotationStatus.Unavailable:\n", "            case RotationStatus.Unavailable:\n                dead.Remember(presented.Session, RefusalReason.Revoked);\n")),
        new("The flight is keyed by user", Invariant.NoFork, 69,
            new Edit(Coordinator, "Flights<(SessionId, Generation), RefreshOutcome>", "Flights<UserId, RefreshOutcome>"),
            new Edit(Coordinator, "JoinAsync((presented.Session, presented.Generation),", "JoinAsync(presented.User,")),
        new("The work is tied to the first request", Invariant.UnavailableNeedsAFault, 24,
            new Edit(Door, "coordinator.RefreshAsync(evidence.Refresh!, client)", "coordinator.RefreshAsync(evidence.Refresh!, client, requestAborted)"),
            new Edit(Coordinator, "RefreshAsync(RefreshToken presented, ClientInfo client)", "RefreshAsync(RefreshToken presented, ClientInfo client, CancellationToken aborted)"),
            new Edit(Coordinator, "() => FlyAsync(presented, client));", "() => FlyAsync(presented, client, aborted));"),
            new Edit(Coordinator, "FlyAsync(RefreshToken presented, ClientInfo client)", "FlyAsync(RefreshToken presented, ClientInfo client, CancellationToken aborted)"),
            new Edit(Coordinator, "await DecideAsync(presented, client);", "await DecideAsync(presented, client, aborted);"),
            new Edit(Coordinator, "DecideAsync(RefreshToken presented, ClientInfo client)", "DecideAsync(RefreshToken presented, ClientInfo client, CancellationToken aborted)"),
            new Edit(
                Coordinator,
                "using var deadline = new CancellationTokenSource(options.Value.LockWait + options.Value.LockLease, time);",
                "using var deadline = CancellationTokenSource.CreateLinkedTokenSource(aborted);")),
        new("The result of a flight is kept for whoever comes later", Invariant.UnavailableNeedsAFault, 8,
            new Edit(Flights, "            flights.TryRemove(key, out _);\n            flight.SetResult(result);", "            flight.SetResult(result);")),
        new("The wait for the lock uses up the time for the decision", Invariant.UnavailableNeedsAFault, 2_899,
            new Edit(
                Coordinator,
                "        var waiting = time.GetTimestamp();\n",
                "        var waiting = time.GetTimestamp();\n        using var end = new CancellationTokenSource(options.Value.LockWait + options.Value.LockLease, time);\n"),
            new Edit(Coordinator, "judge.JudgeAsync(presented, client, deadline.Token)", "judge.JudgeAsync(presented, client, end.Token)")),
        new("Cookies are cleared when a refresh is refused", Invariant.NothingElseClearsCookies, 12,
            new Edit(Session, "Refusal = outcome.Reason;", "Refusal = outcome.Reason;\n                clear = true;\n                RegisterResponse();")),
        new("The login page clears cookies", Invariant.NothingElseClearsCookies, 1,
            new Edit(
                Middleware,
                "        KeepPrivate(context, session);\n        return next(context);",
                "        if (context.Request.Path == \"/login\")\n        {\n            Cookies.SessionCookies.Clear(context, \"/login\");\n        }\n\n        return next(context);")),
        new("A late response sets its cookies all the same", Invariant.NoSpuriousSignOut, 198,
            new Edit(Session, "services.Time.GetElapsedTime(since) > services.LatestCookies", "services.Time.GetElapsedTime(since) < TimeSpan.Zero")),
        new("A late response refreshes once more and sets what it gets", Invariant.OneRotationPerExpiry, 1,
            new Edit(Session, "    private Task WriteCookiesAsync()", "    private async Task WriteCookiesAsync()"),
            new Edit(
                Session,
                "                LeftTooLate(services.Logger, pair.Grant.Session, pair.Grant.Generation);",
                """
                var asked = new RefreshToken(pair.Grant.Session, pair.Grant.Generation, pair.Grant.User);
                var current = await services.Door.RefreshAsync(SessionEvidence.NeedsRefresh(asked), Client, CancellationToken.None);
                if (current.Status is RefreshStatus.Rotated or RefreshStatus.Replayed)
                {
                    services.Cookies.Write(context, current.Pair, path);
                }
                """),
            new Edit(Session, "                services.Cookies.Write(context, pair, path);\n            }\n        }\n\n        return Task.CompletedTask;", "                services.Cookies.Write(context, pair, path);\n            }\n        }")),
        new("A torn pair is a proof", Invariant.NoSpuriousSignOut, 742,
            new Edit(Door, "            && other.Generation == token.Generation\n", "")),
        new("The revoked list is what this node has revoked, and not what the database says", Invariant.SignOutWins, 12,
            new Edit(Reader, "revoked.Add(session, reason);", "_ = (session, reason);")),
        new("A node that starts reads only what was revoked just now", Invariant.SignOutWins, 5_308,
            new Edit(Reader, "readUpTo = time.GetUtcNow() - revoked.Retention;", "readUpTo = time.GetUtcNow();"),
            new Edit(Reader, "private static readonly TimeSpan Overlap = TimeSpan.FromSeconds(30);", "private static readonly TimeSpan Overlap = TimeSpan.FromSeconds(2);")),
        new("A revoked session is forgotten before its last access token ends", Invariant.SignOutWins, 12,
            new Edit("WebApp/Storage/RevokedSessions.cs", "options.Value.AccessTokenLifetime + Slack;", "options.Value.AccessTokenLifetime / 4;")),
        new("An access token is good until it ends, revoked or not", Invariant.NoResurrection, 32,
            new Edit(Door, "time.GetUtcNow() < token.ExpiresAt && revoked.ReasonFor(token.Session) is null", "time.GetUtcNow() < token.ExpiresAt")),
        new("A refreshed pair leaves although its session was revoked meanwhile", Invariant.NoResurrection, 32,
            new Edit(Session, "pair is not null && services.Revoked.ReasonFor(pair.Grant.Session) is null", "pair is not null")),
        new("Signing in leaves the session before it alive", Invariant.SignOutWins, 11,
            new Edit(Session, "        await EndPresentedAsync();\n        Accept(opened, decidedAt: null);", "        Accept(opened, decidedAt: null);")),
        new("Signing out is answered although the database is away", Invariant.SignOutWins, 193,
            new Edit(
                "WebApp/Storage/SessionRevoker.cs",
                "        if (await retry.RunAsync(() => rows.TryRevokeAsync(session, reason, now, record: null, cancellation)))\n        {",
                "        var ended = true;\n        try\n        {\n            ended = await retry.RunAsync(() => rows.TryRevokeAsync(session, reason, now, record: null, cancellation));\n        }\n        catch (Exception away) when (away.IsDatabaseAway())\n        {\n            return;\n        }\n\n        if (ended)\n        {")),
        new("Every request is refreshed", Invariant.ReloadIsFree, 1,
            new Edit(Door, "accessTokens.Read(text) is { } token && time.GetUtcNow() < token.ExpiresAt", "accessTokens.Read(text) is { } token && time.GetUtcNow() < token.ExpiresAt.AddSeconds(-30)")),
        new("A lock is released whoever holds it", Invariant.LockDiscipline, 73,
            new Edit(LockScripts, "        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end\n        redis.call('DEL', KEYS[1])", "        redis.call('DEL', KEYS[1])")),
        new("A lease is renewed whoever holds the lock", Invariant.LockDiscipline, 215,
            new Edit(LockScripts, "        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end\n        redis.call('PEXPIRE', KEYS[1], ARGV[2])", "        redis.call('PEXPIRE', KEYS[1], ARGV[2])")),
        new("A Redis that times out is not known to be away", Invariant.UnavailableNeedsAFault, 26,
            new Edit("WebApp/Locking/RedisFaults.cs", "exception is RedisException or TimeoutException or ObjectDisposedException", "exception is RedisConnectionException")),
        new("What waited for a refresh runs twice", Invariant.FormsRunOnce, 3,
            new Edit(
                Middleware,
                "        KeepPrivate(context, session);\n        await next(context);",
                "        KeepPrivate(context, session);\n        await next(context);\n        await next(context);")),
        new("The passengers of a flight are not told that it has ended", Invariant.Liveness, 1,
            new Edit(Flights, "            flight.SetResult(result);", "")),
    ];
}
