using Microsoft.AspNetCore.Http;

namespace WebApp.Tests.Simulation;

/// <summary>Carries out the plan: browsers, thieves, administrators, and the network between them and an unsticky balancer.</summary>
internal sealed class Stage
{
    private const double LongestRequest = 6;
    private const double LongestResponse = World.LongestJourneySeconds;

    private static readonly string[] People = ["ada", "bob"];

    private readonly World world;
    private readonly List<Browser> browsers;
    private readonly List<Browser> thieves = [];
    private readonly List<Exchange> underWay = [];
    private int exchanges;
    private bool isCalm = true;

    public Stage(World world)
    {
        this.world = world;
        browsers = [.. Enumerable.Range(1, world.Plan.Browsers).Select(each => new Browser($"browser {each}", isThief: false))];
    }

    /// <summary>Requests that a node works on.</summary>
    public IReadOnlyList<Exchange> UnderWay => underWay;

    public IReadOnlyList<Browser> Browsers => browsers;

    public IReadOnlyList<Browser> Thieves => thieves;

    public void Begin()
    {
        var last = TimeSpan.Zero;
        foreach (var stimulus in world.Plan.Stimuli)
        {
            world.After(stimulus.At, () => Carry(stimulus));
            world.Totals.Count(Event.LongSleep, stimulus.At - last > TimeSpan.FromHours(1) ? 1 : 0);
            last = stimulus.At;
        }

        // The first people come in undisturbed: what follows is worth more with a session than without.
        world.After(Plan.Prelude, () => isCalm = false);
        world.After(last + TimeSpan.FromSeconds(1), () => world.Clients.Start(new Epilogue(world, this).PlayAsync));
    }

    /// <summary>From now on nothing goes wrong any more.</summary>
    public void CalmDown() => isCalm = true;

    public Task<Exchange?> SendAsync(Browser browser, Kind kind, Dice dice, string person = "", bool isSlow = false)
    {
        var exchange = new Exchange(++exchanges, browser, kind, world.Now)
        {
            Access = browser.Access,
            Refresh = browser.Refresh,
            Person = person,
            Handling = isSlow ? dice.Seconds(7, dice.Of(14, world.Plan.SlowestPageSeconds))
                : dice.Chance(0.3) ? dice.Milliseconds(0, dice.Of(20, 2000))
                : TimeSpan.Zero,
            Streams = dice.Chance(0.1) && kind == Kind.Page,
            Back = isCalm ? dice.Milliseconds(1, 40) : dice.Journey(LongestResponse),
            IsLost = dice.Chance(0.08) && !isCalm,
            HalfIsLost = dice.Chance(0.02) && !isCalm,
        };
        Count(exchange, isSlow);
        world.Say($"{exchange} is sent, with {world.Judge.Name(exchange.Access)} and {world.Judge.Name(exchange.Refresh)}");
        world.Judge.Sent(exchange);
        world.After(isCalm ? dice.Milliseconds(1, 40) : dice.Journey(LongestRequest), () => Arrive(exchange, dice));
        if (dice.Chance(0.08) && !isCalm)
        {
            world.After(dice.Of(dice.Milliseconds(1, 60), dice.Seconds(0, 5)), () => Abort(exchange));
        }

        return exchange.Answer;
    }

    /// <summary>The response's headers are on their way.</summary>
    public void Leaves(Exchange exchange)
    {
        world.Say($"{exchange} is answered by {exchange.Node}: {exchange.Status}{(exchange.LeadsToLogin ? " to sign in" : "")}{Describe(exchange)}");
        world.After(exchange.Back, () =>
        {
            if (!exchange.IsAwaited)
            {
                return;
            }

            if (exchange.IsLost)
            {
                world.Say($"{exchange}: the response is lost");
                world.Totals.Count(Event.ResponseLost);
                exchange.NotAnswered();
                return;
            }

            world.Say($"{exchange}: the response arrives");
            exchange.Browser.Store(exchange, world.Judge);
            exchange.Answered();
        });
    }

    public void Finished(Exchange exchange) => underWay.Remove(exchange);

    /// <summary>The node has died, and with it its connections.</summary>
    public void Lost(Node node)
    {
        foreach (var exchange in underWay.Where(each => each.Node == node).ToList())
        {
            underWay.Remove(exchange);
            world.After(TimeSpan.FromMilliseconds(5), exchange.NotAnswered);
        }
    }

    private void Carry(Stimulus stimulus)
    {
        world.Say($"— {stimulus.What}, {stimulus.Who}, {stimulus.Count}");
        var dice = new Dice(stimulus.Seed);
        var browser = browsers[stimulus.Who % browsers.Count];
        switch (stimulus.What)
        {
            case Act.Load:
                Tabs(browser, Kind.Page, stimulus, dice);
                break;
            case Act.Program:
                Tabs(browser, Kind.Program, stimulus, dice);
                break;
            case Act.Form:
                Tabs(browser, Kind.Form, stimulus, dice);
                break;
            case Act.PublicPage:
                Tabs(browser, Kind.PublicPage, stimulus, dice);
                break;
            case Act.LoginPage:
                Tabs(browser, Kind.LoginPage, stimulus, dice);
                break;
            case Act.Prefetch:
                Tabs(browser, Kind.Prefetch, stimulus, dice);
                break;
            case Act.SlowPage:
                Tabs(browser, Kind.Page, stimulus, dice, isSlow: true);
                break;
            case Act.SignIn:
                _ = SendAsync(browser, Kind.SignIn, dice, dice.Of(People[stimulus.Who % 2], dice.Of(People)));
                break;
            case Act.SignOut:
                _ = SendAsync(browser, Kind.SignOut, dice);
                break;
            case Act.Tear:
                world.Totals.Count(Event.HalfAPairLost);
                world.Judge.Tears(browser);
                browser.Access = null;
                break;
            case Act.Steal:
                Steal(browser);
                break;
            case Act.ThiefLoads when thieves.Count > 0:
                Tabs(thieves[^1], Kind.Page, stimulus, dice);
                break;
            case Act.ThiefWaitsOnSlowPages when thieves.Count > 0:
                Tabs(thieves[^1], Kind.Page, stimulus, dice, isSlow: true);
                break;
            default:
                Trouble.Make(world, stimulus, dice, browser);
                break;
        }
    }

    private void Steal(Browser victim)
    {
        if (victim.Access is not null || victim.Refresh is not null)
        {
            world.Totals.Count(Event.Theft);
            thieves.Add(new Browser($"thief {thieves.Count + 1}", isThief: true) { Access = victim.Access, Refresh = victim.Refresh });
        }
    }

    private void Tabs(Browser browser, Kind kind, Stimulus stimulus, Dice dice, bool isSlow = false)
    {
        for (var tab = 0; tab < stimulus.Count; tab++)
        {
            var own = new Dice(dice.NextBits());
            world.After(own.Milliseconds(0, own.Of(1, 20, 200)), () => world.Clients.Start(() => LoadAsync(browser, kind, own, isSlow)));
        }
    }

    private async Task LoadAsync(Browser browser, Kind kind, Dice dice, bool isSlow)
    {
        if (await SendAsync(browser, kind, dice, isSlow: isSlow) is { LeadsToLogin: true }
            && await SendAsync(browser, Kind.LoginPage, dice) is { Status: StatusCodes.Status200OK }
            && !browser.IsThief
            && dice.Chance(0.5))
        {
            await SendAsync(browser, Kind.SignIn, dice, dice.Of(People));
        }
    }

    private void Arrive(Exchange exchange, Dice dice)
    {
        var serving = world.Nodes.Where(each => each.IsServing).ToList();
        if (serving.Count == 0)
        {
            world.Say($"{exchange}: nobody listens");
            exchange.NotAnswered();
            return;
        }

        exchange.Node = serving[dice.Next(serving.Count)];
        underWay.Add(exchange);
        world.Say($"{exchange} arrives at {exchange.Node}");
        exchange.Node.Lane.Start(() => exchange.Node.Site.ServeAsync(exchange));
    }

    private void Abort(Exchange exchange)
    {
        if (exchange.IsAwaited)
        {
            world.Totals.Count(Event.Abort);
            world.Say($"{exchange} is given up");
            exchange.NotAnswered();
            world.After(TimeSpan.FromMilliseconds(3), exchange.Aborted.Cancel);
        }
    }

    private void Count(Exchange exchange, bool isSlow)
    {
        var totals = world.Totals;
        totals.Count(Event.Request);
        totals.Count(exchange.Kind switch
        {
            Kind.Page => Event.Page,
            Kind.Program => Event.Program,
            Kind.Form => Event.Form,
            Kind.PublicPage => Event.PublicPage,
            Kind.LoginPage => Event.LoginPage,
            Kind.Prefetch => Event.Prefetch,
            Kind.SignIn => Event.SignIn,
            _ => Event.SignOut,
        });
        totals.Count(Event.SlowHandler, isSlow ? 1 : 0);
        totals.Count(Event.StreamedResponse, exchange.Streams ? 1 : 0);
        if (exchange.Kind == Kind.SignIn && exchange.Refresh is { } other && world.Database.Find(other.Session)!.UserId != exchange.Person)
        {
            totals.Count(Event.SignInAsSomebodyElse);
        }
    }

    private string Describe(Exchange exchange) => exchange.Sets switch
    {
        [] => "",
        [(_, null), ..] => ", clears cookies",
        [(_, var first), ..] => $", sets {world.Judge.Name(first)}",
    };
}
