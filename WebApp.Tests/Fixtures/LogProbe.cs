using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace WebApp.Tests.Fixtures;

/// <summary>Keeps all that the site logs, exceptions included.</summary>
internal sealed class LogProbe : ILoggerProvider
{
    private readonly ConcurrentQueue<(LogLevel Level, EventId Event, string Text)> entries = new();
    private readonly ConcurrentDictionary<int, Gate> events = new();

    public IReadOnlyList<(LogLevel Level, EventId Event, string Text)> Entries => [.. entries];

    /// <summary>Completes once an event was logged since this was first asked, or before.</summary>
    public Task HeardAsync(int id)
    {
        var gate = events.GetOrAdd(id, _ => new Gate());
        if (entries.Any(entry => entry.Event.Id == id))
        {
            _ = gate.PassAsync();
        }

        return gate.Arrived;
    }

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose()
    {
    }

    private sealed class Logger(LogProbe probe, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            probe.entries.Enqueue((logLevel, eventId, $"{category}: {formatter(state, exception)} {exception}"));
            if (probe.events.TryGetValue(eventId.Id, out var gate))
            {
                _ = gate.PassAsync();
            }
        }
    }
}
