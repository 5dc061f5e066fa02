using System.Globalization;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Simulation;

/// <summary>
/// The core under random schedules (docs/simulation.md). <c>scripts/simulate.sh</c> asks for another number of schedules, or for
/// one seed and its trace.
/// </summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private const ulong Schedules = 20_000;

    [Fact]
    public void Every_invariant_holds_in_every_schedule()
    {
        var schedules = Setting("SIMULATE_SCHEDULES") ?? Schedules;
        var started = The.WallClock.GetTimestamp();

        var totals = RunAll(schedules);

        var seconds = The.WallClock.GetElapsedTime(started).TotalSeconds;
        Report(string.Create(CultureInfo.InvariantCulture, $"{schedules:N0} schedules in {seconds:0} s, {schedules / seconds:0} a second"));
        Report(totals.ToString());
        Assert.Equal((long)schedules, totals[Event.Schedule]);
        Assert.Empty(totals.Missing());
    }

    [Fact]
    public void One_seed_is_one_schedule_whatever_ran_before()
    {
        using var fresh = new Simulation();
        using var used = new Simulation();
        for (var seed = 1UL; seed <= 300; seed++)
        {
            var alone = fresh.Run(Plan.Of(seed), tracing: true);
            used.Run(Plan.Of(seed + 1000), tracing: false);
            var after = used.Run(Plan.Of(seed), tracing: seed % 2 == 0);

            Assert.Equal(alone.Digest, after.Digest);
            Assert.Equal(alone.Trace.Count > 0 && seed % 2 == 0 ? alone.Trace : [], after.Trace);
        }
    }

    [Fact]
    public void A_seed_can_be_replayed()
    {
        var seed = Setting("SIMULATE_SEED");
        using var simulation = new Simulation();
        if (simulation.Try(seed ?? 1) is { } failure)
        {
            Assert.Fail(failure.ToString());
        }

        var trace = simulation.Run(Plan.Of(seed ?? 1), tracing: true).Trace;
        Assert.NotEmpty(trace);
        if (seed is not null)
        {
            Report(string.Join(Environment.NewLine, trace));
        }
    }

    /// <summary>On as many threads as there are processors: each world has one to itself.</summary>
    private static Totals RunAll(ulong schedules)
    {
        var totals = new Totals();
        var next = 0UL;
        Failure? failure = null;
        var threads = Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Thread(Work)).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        Assert.True(failure is null, failure?.ToString());
        return totals;

        void Work()
        {
            using var simulation = new Simulation();
            while (Volatile.Read(ref failure) is null && Interlocked.Increment(ref next) is var seed && seed <= schedules)
            {
                if (simulation.Try(seed) is { } found)
                {
                    Interlocked.CompareExchange(ref failure, found, null);
                }
            }

            lock (totals)
            {
                totals.Add(simulation.Totals);
            }
        }
    }

    private static ulong? Setting(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? ulong.Parse(text, CultureInfo.InvariantCulture) : null;

    /// <summary>For whoever reads the test's output, and for the command.</summary>
    private void Report(string text)
    {
        output.WriteLine(text);
        if (Environment.GetEnvironmentVariable("SIMULATE_REPORT") is { Length: > 0 } file)
        {
            File.AppendAllText(file, text + Environment.NewLine);
        }
    }
}
