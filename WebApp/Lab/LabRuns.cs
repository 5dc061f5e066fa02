using System.Threading.Channels;
using WebApp.Telemetry;

namespace WebApp.Lab;

/// <summary>
/// Runs storms behind the requests' backs, one at a time on a node. A run outlives the request that started it and ends with the site,
/// which waits for it: a session of the lab's own is ended and a sandbox taken down.
/// </summary>
internal sealed partial class LabRuns(
    LabGrounds grounds, LabStore store, TimeProvider time, IHostApplicationLifetime site, ILogger<LabRuns> logger) : IHostedService
{
    private readonly Lock turn = new();
    private Task running = Task.CompletedTask;
    private LabRun? latest;
    private int done;

    /// <summary>The run that is under way on this node, or null.</summary>
    public LabRun? UnderWay => Latest is { Status: LabStatus.Running } run ? run : null;

    private LabRun? Latest
    {
        get
        {
            lock (turn)
            {
                return latest is { Status: LabStatus.Running } ? latest with { Done = Volatile.Read(ref done) } : latest;
            }
        }
    }

    /// <summary>Starts a run, or returns null while another one is under way.</summary>
    public async Task<Guid?> TryStartAsync(LabPlan plan)
    {
        var run = new LabRun(Guid.NewGuid(), plan);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (turn)
        {
            if (latest is { Status: LabStatus.Running })
            {
                return null;
            }

            latest = run;
            done = 0;
            running = ended.Task;
        }

        try
        {
            // Before anybody is sent to look at it.
            await store.SaveAsync(run);
        }
        catch
        {
            End(null);
            ended.SetResult();
            throw;
        }

        // It must not see the request that asked for it through what flows with an await.
        using (ExecutionContext.SuppressFlow())
        {
            _ = Task.Run(async () =>
            {
                try
                {
                    await RunAsync(run);
                }
                finally
                {
                    ended.SetResult();
                }
            });
        }

        return run.Id;
    }

    /// <summary>A run as it stands: this node's latest from memory, any other from what is kept.</summary>
    public async Task<LabRun?> FindAsync(Guid id, CancellationToken cancellation) =>
        Latest is { } run && run.Id == id ? run : await store.FindAsync(id, cancellation);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StopAsync(CancellationToken cancellationToken) => await running.WaitAsync(cancellationToken);

    private async Task RunAsync(LabRun run)
    {
        var bell = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        var telling = TellAsync(bell.Reader);
        try
        {
            run = run with { Result = await FireAsync(run.Plan, bell.Writer), Status = LabStatus.Done, Done = run.Plan.Total };
        }
        catch (Exception failure)
        {
            // Nobody awaits a run: its page says that it broke off, and the log why.
            run = run with { Status = LabStatus.Failed, Done = Volatile.Read(ref done) };
            Failed(logger, failure, run.Id);
        }

        try
        {
            bell.Writer.Complete();
            await telling;
            await store.SaveAsync(run);
        }
        finally
        {
            End(run);
        }
    }

    private void End(LabRun? run)
    {
        lock (turn)
        {
            latest = run;
        }
    }

    private async Task<LabResult> FireAsync(LabPlan plan, ChannelWriter<bool> bell)
    {
        var stopping = site.ApplicationStopping;
        await using var ground = await grounds.OpenAsync(plan.Strategy, stopping);
        return await new Storm(time).RunAsync(plan, ground, Answered, stopping);

        void Answered()
        {
            Interlocked.Increment(ref done);
            bell.TryWrite(true);
        }
    }

    /// <summary>Tells the other nodes how far it is: as often as the cache is quick, and never once for each of many answers.</summary>
    private async Task TellAsync(ChannelReader<bool> bell)
    {
        await foreach (var _ in bell.ReadAllAsync())
        {
            if (UnderWay is { } run)
            {
                await store.SaveAsync(run);
            }
        }
    }

    [LoggerMessage(LogEvents.LabRunFailed, LogLevel.Error, "Lab run {Run} broke off.")]
    private static partial void Failed(ILogger logger, Exception exception, Guid run);
}
