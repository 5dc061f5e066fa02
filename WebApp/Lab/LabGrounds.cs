using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Coordination;
using WebApp.Storage;

namespace WebApp.Lab;

/// <summary>Prepares what a plan is about.</summary>
internal sealed class LabGrounds(
    LabNodes nodes,
    LabAccount account,
    SessionLifecycle lifecycle,
    ISessionRows rows,
    IOptions<SessionsOptions> options,
    TimeProvider time,
    ILoggerFactory logs)
{
    public async Task<ILabGround> OpenAsync(LabStrategy strategy, CancellationToken cancellation) => strategy switch
    {
        LabStrategy.Site => await SiteGround.OpenAsync(nodes, account, lifecycle, rows, cancellation),
        LabStrategy.Reload or LabStrategy.Rotate or LabStrategy.Lock =>
            await Sandbox.StartAsync(strategy, options, time, logs, cancellation),
    };
}
