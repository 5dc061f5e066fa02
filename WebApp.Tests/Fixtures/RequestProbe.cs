using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using WebApp.Sessions;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Tests.Fixtures;

/// <summary>Stands before the site's own pipeline, and tells how many requests have come in.</summary>
internal sealed class RequestProbe : IStartupFilter
{
    private readonly Gate entered = new();
    private readonly Gate left = new();

    /// <summary>Completes when so many requests have come in since the start.</summary>
    public Task EnteredAsync(int count) => entered.ArrivedAsync(count);

    /// <summary>Completes when so many requests have ended since the start, answered or aborted.</summary>
    public Task EndedAsync(int count) => left.ArrivedAsync(count);

    public int Entered => entered.Count;

    public int Ended => left.Count;

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use(async (context, following) =>
        {
            _ = entered.PassAsync();
            try
            {
                await following(context);
            }
            finally
            {
                _ = left.PassAsync();
            }
        });
        next(app);
        MapTestEndpoints((IEndpointRouteBuilder)app.Properties["__EndpointRouteBuilder"]!);
    };

    /// <summary>What the site's own pages do not do, and a host's pages may.</summary>
    private static void MapTestEndpoints(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/streamed", async context =>
        {
            await context.Response.WriteAsync("one ");
            await context.Response.Body.FlushAsync();
            await context.Response.WriteAsync("two");
        }).RequireAuthorization();

        // Signs in although a session may be living, as a page for passkeys or for an administrator could.
        routes.MapPost("/sign-in-as", async (string name, HttpContext context, WebAppDb db) =>
        {
            var account = await db.Users.SingleAsync(user => user.UserName == name);
            await context.UserSession().SignInAsync(
                new AccountProof(new UserId(account.Id), account.SecurityStamp!), remember: false);
        });
    }
}
