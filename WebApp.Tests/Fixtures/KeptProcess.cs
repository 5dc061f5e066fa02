using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace WebApp.Tests.Fixtures;

/// <summary>
/// A program that ends with this process, even if this process is killed: a shell beside it waits for the end of its own input
/// and then ends the program.
/// </summary>
internal sealed class KeptProcess : IAsyncDisposable
{
    /// <summary>The program tells its process id in the first line, and becomes itself after that.</summary>
    private const string Keeper = """
        signal=$1; shift
        sh -c 'echo $$; exec "$@"' sh "$@" & exec >/dev/null 2>/dev/null
        cat; kill -"$signal" $!; kill -CONT $!; wait $!
        """;

    private readonly Process keeper;
    private readonly ConcurrentQueue<string> output = new();
    private readonly ConcurrentQueue<string> errors = new();
    private readonly TaskCompletionSource<int> id = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task<int> ended;
    private int released;

    private KeptProcess(Process keeper, Action<string>? hear)
    {
        this.keeper = keeper;
        ended = EndAsync(
            ReadAsync(keeper.StandardOutput, output, hear),
            ReadAsync(keeper.StandardError, errors, hear));
    }

    /// <summary>The lines of the standard output so far.</summary>
    public IReadOnlyList<string> Output => [.. output];

    /// <summary>The lines of the standard error so far.</summary>
    public IReadOnlyList<string> Errors => [.. errors];

    /// <summary>The exit code, once the program has ended and both outputs are complete.</summary>
    public Task<int> Ended => ended;

    /// <param name="endSignal">What ends the program for good: <c>KILL</c>, or <c>TERM</c> for one with children of its own.</param>
    /// <param name="start">The program; its input and outputs are taken.</param>
    /// <param name="hear">Told each line of either output.</param>
    public static KeptProcess Start(string endSignal, ProcessStartInfo start, Action<string>? hear = null)
    {
        string[] command = [start.FileName, .. start.ArgumentList];
        start.FileName = "/bin/sh";
        start.ArgumentList.Clear();
        foreach (var argument in (string[])["-c", Keeper, "sh", endSignal, .. command])
        {
            start.ArgumentList.Add(argument);
        }

        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        return new KeptProcess(Process.Start(start)!, hear);
    }

    /// <summary>Sends a signal by its name: <c>STOP</c>, <c>CONT</c>, <c>TERM</c>.</summary>
    public Task SignalAsync(string name) => SendAsync(number => $"kill -{name} {number}");

    /// <summary>
    /// SIGSTOP to the program and then to the processes that it has started, none of which can come or go once it stands.
    /// </summary>
    public Task FreezeAsync() => SendAsync(number => $"kill -STOP {number} && kill -STOP {ChildrenOf(number)}");

    /// <summary>SIGCONT, to the program last. One that it has started may have ended meanwhile.</summary>
    public Task ThawAsync() => SendAsync(number => $"kill -CONT {ChildrenOf(number)} 2>/dev/null; kill -CONT {number}");

    /// <summary>SIGKILL, to the program and all that it has started. Returns when they are gone.</summary>
    public async Task KillAsync()
    {
        if (!ended.IsCompleted)
        {
            Process.GetProcessById(await id.Task.InTime()).Kill(entireProcessTree: true);
        }

        await DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref released, 1) == 0)
        {
            // The keeper hears it, ends the program and then itself.
            keeper.StandardInput.Close();
            await ended.InTime();
            keeper.Dispose();
        }
    }

    private static string ChildrenOf(string number) => $"$(cat /proc/{number}/task/{number}/children)";

    private async Task SendAsync(Func<string, string> command)
    {
        var line = command((await id.Task.InTime()).ToString(CultureInfo.InvariantCulture));
        using var sender = Process.Start("/bin/sh", ["-c", line]);
        await sender.WaitForExitAsync().InTime();
        Assert.True(sender.ExitCode == 0, $"This did not work: {line}");
    }

    private async Task ReadAsync(StreamReader reader, ConcurrentQueue<string> lines, Action<string>? hear)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            if (reader == keeper.StandardOutput && !id.Task.IsCompleted)
            {
                id.SetResult(int.Parse(line, CultureInfo.InvariantCulture));
                continue;
            }

            lines.Enqueue(line);
            hear?.Invoke(line);
        }
    }

    private async Task<int> EndAsync(params Task[] outputs)
    {
        // Both outputs end with the program; only then does the keeper have its exit code.
        await Task.WhenAll(outputs);
        id.TrySetException(new InvalidOperationException("The program could not be started."));
        _ = id.Task.Exception;
        if (Interlocked.Exchange(ref released, 1) == 0)
        {
            keeper.StandardInput.Close();
        }

        await keeper.WaitForExitAsync();
        return keeper.ExitCode;
    }
}
