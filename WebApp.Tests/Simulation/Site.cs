using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using WebApp.Sessions;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Tests.Simulation;

/// <summary>What stands before and behind the door: a server, authentication, and pages.</summary>
internal sealed class Site(World world, Node node)
{
    private static readonly ServiceProvider Services = new ServiceCollection().AddLogging().BuildServiceProvider();
    private static readonly Endpoint SomePage = new(null, EndpointMetadataCollection.Empty, "a page");
    private static readonly AcceptedAccessToken Accepted = new();
    private static readonly AuthenticationScheme Scheme =
        new(CookieAuthenticationDefaults.AuthenticationScheme, null, typeof(CookieAuthenticationHandler));

    private static readonly CookieAuthenticationOptions Options = new() { LoginPath = "/login", ReturnUrlParameter = "returnUrl" };

    public async Task ServeAsync(Exchange exchange)
    {
        var response = new StartableResponse();
        var context = Receive(exchange, response);
        exchange.HasGoodAccess = world.Judge.IsGood(exchange.Access);
        exchange.CommandsBefore = node.Commands;
        try
        {
            await node.Door.InvokeAsync(context);
        }
        catch (OperationCanceledException) when (exchange.Aborted.IsCancellationRequested)
        {
            world.Say($"{exchange} has left");
            world.Stage.Finished(exchange);
            return;
        }
        catch (Exception away) when (away.IsDatabaseAway())
        {
            // As the site's exception handler answers.
            context.Response.Clear();
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        }

        if (!response.HasStarted)
        {
            await LeaveAsync(context, exchange);
        }

        world.Stage.Finished(exchange);
    }

    /// <summary>Behind the door.</summary>
    public async Task AnswerAsync(HttpContext context)
    {
        var exchange = context.Features.Get<Exchange>()!;
        var session = context.UserSession();
        var text = Accepted.GetRequestCookie(context, "");
        exchange.IsThrough = true;
        world.Judge.LetIn(exchange, text, session);
        if (node.Tickets.Unprotect(text) is { } ticket)
        {
            context.User = ticket.Principal;
        }

        var isSomebody = context.User.Identity?.IsAuthenticated == true;
        if (!isSomebody && exchange.Kind is Kind.Page or Kind.Program or Kind.Form or Kind.Prefetch && !isSomebody)
        {
            await SessionAnswers.ChallengeAsync(
                new RedirectContext<CookieAuthenticationOptions>(context, Scheme, Options, new AuthenticationProperties(), "/login"));
            return;
        }

        if (exchange.Streams)
        {
            await LeaveAsync(context, exchange);
        }

        exchange.Ran++;
        if (exchange.Handling > TimeSpan.Zero)
        {
            await world.PauseAsync(exchange.Handling);
        }

        switch (exchange.Kind)
        {
            case Kind.LoginPage when isSomebody:
                context.Response.Redirect("/");
                break;
            case Kind.SignIn:
                await SignInAsync(context, exchange, session);
                break;
            case Kind.SignOut:
                await session.SignOutAsync();
                context.Response.Redirect("/");
                break;
            default:
                break;
        }
    }

    private async Task SignInAsync(HttpContext context, Exchange exchange, IUserSession session)
    {
        var proof = await world.Database.AskAsync(
            node,
            () => world.Database.AccountOf(exchange.Person) is { Disabled: false } account
                ? new AccountProof(new UserId(account.Id), account.SecurityStamp!)
                : null,
            CancellationToken.None);
        if (proof is not null && await session.SignInAsync(proof, remember: exchange.SentAt.Ticks % 2 == 0))
        {
            context.Response.Redirect("/");
        }
    }

    private async Task LeaveAsync(HttpContext context, Exchange exchange)
    {
        await ((StartableResponse)context.Features.GetRequiredFeature<IHttpResponseFeature>()).StartAsync();
        exchange.Status = context.Response.StatusCode;
        exchange.LeadsToLogin = exchange.Status == StatusCodes.Status302Found
            && context.Response.Headers.Location.ToString().StartsWith("/login", StringComparison.Ordinal);
        foreach (var header in context.Response.Headers.SetCookie)
        {
            var end = header!.IndexOf(';', StringComparison.Ordinal);
            var equals = header.IndexOf('=', StringComparison.Ordinal);
            var (name, value) = (header[..equals], header[(equals + 1)..end]);
            var isAccess = name == "__Host-access_token";
            exchange.Sets.Add((isAccess, value.Length == 0
                ? null
                : isAccess ? Cookie.Access(value) : Cookie.Refresh(value, node.RefreshTokens.Read(value)!)));
        }

        world.Stage.Leaves(exchange);
        world.Judge.Leaves(exchange, context.Features.Get<IUserSession>());
    }

    private static DefaultHttpContext Receive(Exchange exchange, StartableResponse response)
    {
        var context = new DefaultHttpContext { RequestServices = Services };
        context.Features.Set<IHttpResponseFeature>(response);
        context.Features.Set(exchange);
        context.RequestAborted = exchange.Aborted.Token;
        context.SetEndpoint(SomePage);
        var request = context.Request;
        request.Scheme = "https";
        request.Method = exchange.Kind is Kind.Form or Kind.SignIn or Kind.SignOut ? HttpMethods.Post : HttpMethods.Get;
        request.Path = exchange.Kind switch
        {
            Kind.Program => "/api/me",
            Kind.LoginPage or Kind.SignIn => "/login",
            Kind.SignOut => "/logout",
            Kind.PublicPage => "/",
            _ => "/notes",
        };
        if (exchange.Kind == Kind.Prefetch)
        {
            request.Headers["Sec-Purpose"] = "prefetch";
        }

        if (exchange.Access is not null || exchange.Refresh is not null)
        {
            request.Headers.Cookie = (exchange.Access, exchange.Refresh) switch
            {
                ({ } access, { } refresh) => $"__Host-access_token={access.Text}; __Host-refresh_token={refresh.Text}",
                ({ } access, null) => $"__Host-access_token={access.Text}",
                (_, var refresh) => $"__Host-refresh_token={refresh!.Text}",
            };
        }

        return context;
    }
}
