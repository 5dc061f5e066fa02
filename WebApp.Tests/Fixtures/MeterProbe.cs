using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace WebApp.Tests.Fixtures;

/// <summary>Keeps all that the meters of one site, and of no other beside it, have measured.</summary>
internal sealed class MeterProbe : IDisposable
{
    private readonly MeterListener listener = new();
    private readonly ConcurrentQueue<Instrument> instruments = new();
    private readonly ConcurrentQueue<Measurement> measurements = new();

    public MeterProbe(IMeterFactory site)
    {
        listener.InstrumentPublished = (instrument, each) =>
        {
            if (instrument.Meter.Scope == site)
            {
                instruments.Enqueue(instrument);
                each.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Keep(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Keep(instrument, value, tags));
        listener.Start();
    }

    public IReadOnlyList<Instrument> Instruments => [.. instruments];

    /// <summary>What one instrument has measured, in order: the value, and the tags that have one as <c>name=value</c>.</summary>
    public IReadOnlyList<Measurement> Of(string instrument) => [.. measurements.Where(each => each.Instrument == instrument)];

    public void Dispose() => listener.Dispose();

    private void Keep(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        measurements.Enqueue(new Measurement(
            instrument.Name,
            value,
            string.Join(' ', tags.ToArray().Where(tag => tag.Value is not null).Select(tag => $"{tag.Key}={tag.Value}"))));

    internal sealed record Measurement(string Instrument, double Value, string Tags);
}
