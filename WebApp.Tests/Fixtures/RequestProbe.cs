using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;

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
    };
}
