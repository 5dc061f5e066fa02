using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.AspNetCore.Http;
using WebApp.Sessions;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Tests.Simulation;

/// <summary>
/// Knows of every session what its people have done with it, and so what the site owes them. Whatever it reports is a breach of an
/// invariant; whatever it lets pass as an excuse is a documented limit (protocol, "Limits").
/// </summary>
internal sealed class Judge(World world)
{
    /// <summary>How long after a revocation a node may not know of it: a second, and a statement.</summary>
    private static readonly TimeSpan Notice = TimeSpan.FromSeconds(1);

    private readonly Dictionary<SessionId, Story> stories = [];

    public IEnumerable<SessionId> Stolen => stories.Where(each => each.Value.IsStolen).Select(each => each.Key);

    public string Name(SessionId session) => stories.TryGetValue(session, out var story) ? story.Name : "s?";

    public string Name(Cookie? cookie) => cookie is null
        ? "-"
        : string.Create(CultureInfo.InvariantCulture, $"{Name(cookie.Session)}.g{cookie.Generation}");

    /// <summary>By the clock and the database alone.</summary>
    public bool IsGood(Cookie? access) => access is not null && World.Beginning + world.Now < access.Ends
        && stories.TryGetValue(access.Session, out var story) && story.RevokedAt is null;

    public bool MayBeRefused(SessionId session) => stories[session].Excuse is not null || HasEnded(session);

    public void Opened(SessionRow row) =>
        stories.Add(new SessionId(row.Id), new Story($"s{stories.Count + 1}") { MovedAt = row.RotatedAt, GrantedAt = row.RotatedAt });

    /// <summary>Signing out and signing in end what the browser presents, from when they are sent.</summary>
    public void Sent(Exchange exchange)
    {
        foreach (var session in Sessions(exchange))
        {
            var story = stories[session];
            if (exchange.Browser.IsThief)
            {
                // Who a copy belongs to cannot be told; from now on either may be found out.
                story.IsStolen = true;
                story.Excuse ??= "stolen";
            }

            if (exchange.Kind is Kind.SignIn or Kind.SignOut)
            {
                story.Excuse ??= "ended by its owner";
            }
        }
    }

    public void Touched(string user, string how)
    {
        foreach (var row in world.Database.Rows.Values.Where(row => row.UserId == user))
        {
            stories[new SessionId(row.Id)].Excuse ??= how;
        }
    }

    public void Ends(SessionId session) => stories[session].Excuse ??= "ended by an administrator";

    public void FailedOver(SessionId session)
    {
        world.Say($"the database has lost the last rotation of {Name(session)}");
        stories[session].HasFailedOver = true;
    }

    public void LosesHalf(Cookie half, bool isAccess)
    {
        world.Totals.Count(Event.HalfAPairLost);
        world.Say($"the {(isAccess ? "access" : "refresh")} half of {Name(half)} is lost");
        stories[half.Session].IsTorn |= isAccess;
    }

    public void Tears(Browser browser)
    {
        foreach (var each in new[] { browser.Access, browser.Refresh }.OfType<Cookie>())
        {
            stories[each.Session].IsTorn = true;
        }
    }

    public void Rotated(SessionRow before, SessionRow row)
    {
        world.Totals.Count(Event.Rotation);
        var story = stories[new SessionId(row.Id)];
        if (row.Generation != before.Generation + 1)
        {
            world.Totals.Count(Event.RotationFromAhead);
            Unless(story.HasFailedOver && row.Generation > before.Generation, Invariant.NoFork,
                $"{story.Name} moved from g{before.Generation} to g{row.Generation}.");
        }

        AssertAlive(before, row.RotatedAt);
        var lifetime = world.Options.Value.AccessTokenLifetime;
        Unless(
            row.RotatedAt - story.MovedAt >= lifetime || story.IsTorn || story.IsStolen || story.HasFailedOver,
            Invariant.OneRotationPerExpiry, $"{story.Name} moved twice in {row.RotatedAt - story.MovedAt}.");
        if (story.IsTorn && row.RotatedAt - story.GrantedAt < lifetime)
        {
            // Without its access token a browser refreshes before its time, and then two generations may pass while older
            // requests are under way.
            story.Excuse ??= "torn, and moved too soon";
        }

        story.MovedAt = story.GrantedAt = row.RotatedAt;
    }

    public void Replayed(SessionRow row)
    {
        world.Totals.Count(Event.Replay);
        if (row.LastUsedAt - row.RotatedAt > world.Options.Value.ReplayWindow)
        {
            world.Totals.Count(Event.ReplayAfterLongLoss);
        }

        stories[new SessionId(row.Id)].GrantedAt = row.LastUsedAt;
        AssertAlive(row, row.LastUsedAt);
    }

    public void Revoked(SessionRow row)
    {
        var session = new SessionId(row.Id);
        var story = stories[session];
        story.RevokedAt = world.Now;
        if (row.RevokedReason == RefusalReason.Reuse.Name())
        {
            world.Totals.Count(Event.Reuse);
            var longest = TimeSpan.FromSeconds(World.LongestJourneySeconds);
            if (world.Stage.UnderWay.Any(each =>
                    !each.IsThrough && each.Refresh?.Session == session && world.Now - each.SentAt > longest))
            {
                // The window must exceed three times the longest time that a request is under way; this one was longer.
                story.Excuse ??= "under way for too long";
            }
        }
    }

    public void Touches(string? current, string owner) =>
        Unless(current is null || current == owner, Invariant.LockDiscipline, $"{owner} touches the lock of {current}.");

    /// <summary>The door lets a request pass, as somebody or as nobody.</summary>
    public void LetIn(Exchange exchange, string? accepted, IUserSession door)
    {
        if (exchange.HasGoodAccess)
        {
            Unless(exchange.Node.Commands == exchange.CommandsBefore, Invariant.ReloadIsFree, $"{exchange} asked a store.");
        }

        if (accepted is null)
        {
            if (door.Refusal is not null || (exchange.Presented is not null && !door.IsUnavailable))
            {
                Refused(exchange);
            }

            return;
        }

        var token = accepted == exchange.Access?.Text ? exchange.Access : Cookie.Access(accepted);
        Unless(Sessions(exchange).Contains(token.Session), Invariant.NoFork, $"{exchange} was let in as {Name(token)}.");
        AssertKnown(token.Session, exchange.Node, $"{exchange} was let in with {Name(token)}");
    }

    /// <summary>The headers of a response leave.</summary>
    public void Leaves(Exchange exchange, IUserSession? door)
    {
        if (exchange.Status == StatusCodes.Status503ServiceUnavailable)
        {
            world.Totals.Count(Event.Unavailable);
            // A request may join a refresh that is decided already, and whose outcome is held back while a silent Redis is given
            // its lock back.
            Unless(
                exchange.Kind == Kind.Prefetch
                    || world.Database.TroubleUntil >= exchange.SentAt - Redis.TimeOut
                    || exchange.Node.ThawedAt >= exchange.SentAt,
                Invariant.UnavailableNeedsAFault, $"{exchange} was put off.");
        }

        if (exchange.Status is StatusCodes.Status401Unauthorized || exchange.LeadsToLogin)
        {
            Refused(exchange);
        }

        if (exchange.Kind == Kind.Form)
        {
            var isDone = exchange.Status == StatusCodes.Status200OK;
            Unless(exchange.Ran == (isDone ? 1 : 0), Invariant.FormsRunOnce,
                $"{exchange} ran {exchange.Ran} times and was answered {exchange.Status}.");
        }

        foreach (var (isAccess, value) in exchange.Sets)
        {
            if (value is null)
            {
                Unless(exchange.Kind == Kind.SignOut, Invariant.NothingElseClearsCookies, $"{exchange} clears a cookie.");
                continue;
            }

            Unless(
                !exchange.HasGoodAccess || exchange.Kind == Kind.SignIn, Invariant.ReloadIsFree, $"{exchange} sets cookies.");
            if (exchange.Kind != Kind.SignIn)
            {
                Unless(
                    exchange.Refresh is { } spent && spent.Session == value.Session && spent.Generation + 1 == value.Generation,
                    Invariant.NoFork, $"{exchange} presented {Name(exchange.Refresh)} and got {Name(value)}.");
            }

            AssertKnown(value.Session, exchange.Node, $"{exchange} was given {Name(value)}");
        }

        if (exchange.Kind is Kind.SignIn or Kind.SignOut && exchange.Status == StatusCodes.Status302Found)
        {
            var presented = new[] { exchange.Refresh?.Session, exchange.HasGoodAccess ? exchange.Access!.Session : null };
            foreach (var ended in presented.OfType<SessionId>())
            {
                Unless(stories[ended].RevokedAt is not null, Invariant.SignOutWins, $"{exchange} leaves {Name(ended)} alive.");
            }
        }

        if (exchange.Sets.Count == 0 && door?.Current is not null && !exchange.HasGoodAccess && exchange.Kind != Kind.SignOut
            && exchange.Presented is { } session && stories[session].RevokedAt is null)
        {
            world.Totals.Count(Event.PairTooLate);
        }
    }

    /// <summary>After both have used a copy, further apart than the window, over and over.</summary>
    public void AssertCaught(SessionId session)
    {
        var story = stories[session];
        var row = world.Database.Find(session)!;
        Unless(row.RevokedAt is not null || HasEnded(session), Invariant.TheftIsCaught, $"{story.Name} lives on in two places.");
        if (row.RevokedReason == RefusalReason.Reuse.Name())
        {
            world.Totals.Count(Event.TheftCaught);
            Unless(
                world.Database.Events.Exists(each => each.SessionId == row.Id && each.Kind == row.RevokedReason),
                Invariant.TheftIsCaught, $"Nobody is told why {story.Name} has ended.");
        }
    }

    private void Refused(Exchange exchange)
    {
        world.Totals.Count(Event.Refusal);
        if (exchange.Presented is { } session && !exchange.Browser.IsThief)
        {
            Unless(MayBeRefused(session), Invariant.NoSpuriousSignOut, $"{exchange} was refused, with {Name(session)}.");
        }
    }

    /// <summary>The idle and the absolute limit.</summary>
    private bool HasEnded(SessionId session)
    {
        var row = world.Database.Find(session)!;
        var now = World.Beginning + world.Now + TimeSpan.FromMinutes(1);
        var hasEnded = now >= row.ExpiresAt || now - row.LastUsedAt >= world.Options.Value.IdleTimeout;
        if (hasEnded)
        {
            world.Totals.Count(Event.IdleEnd);
        }

        return hasEnded;
    }

    /// <summary>What a statement changes must be alive at that moment, whatever the statement's own conditions are.</summary>
    private void AssertAlive(SessionRow row, DateTimeOffset now)
    {
        var account = world.Database.AccountOf(row.UserId);
        Unless(
            row.RevokedAt is null && now < row.ExpiresAt && now - row.LastUsedAt < world.Options.Value.IdleTimeout
                && !account.Disabled && account.SecurityStamp == row.SecurityStamp,
            Invariant.NoResurrection, $"{Name(new SessionId(row.Id))} went on after its end.");
    }

    /// <summary>A node that could read the list knows, a second later, that a session was revoked.</summary>
    private void AssertKnown(SessionId session, Node node, string what)
    {
        var story = stories[session];
        if (story.RevokedAt is not { } revokedAt)
        {
            return;
        }

        var couldReadSince = new[] { revokedAt, node.ThawedAt, world.Database.TroubleUntil }.Max();
        Unless(
            world.Now - couldReadSince <= Notice,
            story.Excuse == "ended by its owner" ? Invariant.SignOutWins : Invariant.NoResurrection,
            $"{what}, {(world.Now - revokedAt).TotalSeconds:0.0} s after its end.");
    }

    private static IEnumerable<SessionId> Sessions(Exchange exchange) =>
        new[] { exchange.Access, exchange.Refresh }.OfType<Cookie>().Select(each => each.Session).Distinct();

    private void Unless(bool holds, Invariant invariant, [InterpolatedStringHandlerArgument(nameof(holds))] ref Breach story)
    {
        if (!holds)
        {
            world.Break(invariant, story.ToString());
        }
    }

    /// <summary>Text that is only put together for a breach.</summary>
    [InterpolatedStringHandler]
    internal readonly ref struct Breach
    {
        private readonly StringBuilder? text;

        public Breach(int literalLength, int formattedCount, bool holds, out bool isBreach)
        {
            isBreach = !holds;
            text = isBreach ? new StringBuilder(literalLength + (8 * formattedCount)) : null;
        }

        public void AppendLiteral(string value) => text!.Append(value);

        public void AppendFormatted<T>(T value, string? format = null) => text!.Append(
            value is IFormattable formattable ? formattable.ToString(format, CultureInfo.InvariantCulture) : value?.ToString());

        public override string ToString() => text?.ToString() ?? "";
    }

    private sealed class Story(string name)
    {
        public string Name { get; } = name;

        /// <summary>Why an honest person may be sent to sign in.</summary>
        public string? Excuse { get; set; }

        /// <summary>When the database has carried it out.</summary>
        public TimeSpan? RevokedAt { get; set; }

        /// <summary>When it last moved, whether or not the database remembers.</summary>
        public DateTimeOffset MovedAt { get; set; }

        /// <summary>When a pair of its current generation was last issued.</summary>
        public DateTimeOffset GrantedAt { get; set; }

        public bool IsStolen { get; set; }

        public bool IsTorn { get; set; }

        public bool HasFailedOver { get; set; }
    }
}
