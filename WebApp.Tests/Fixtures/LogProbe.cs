using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace WebApp.Tests.Fixtures;

/// <summary>Keeps all that the site logs, exceptions included.</summary>
internal sealed class LogProbe : ILoggerProvider
{
    private readonly ConcurrentQueue<(LogLevel Level, EventId Event, string Text)> entries = new();

    public IReadOnlyList<(LogLevel Level, EventId Event, string Text)> Entries => [.. entries];

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
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            probe.entries.Enqueue((logLevel, eventId, $"{category}: {formatter(state, exception)} {exception}"));
    }
}
