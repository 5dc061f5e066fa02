namespace WebApp.Tests.Simulation;

/// <summary>Everything that is left to chance in a world comes from here: the same seed, the same world.</summary>
internal sealed class Dice(ulong seed) : Random
{
    private ulong state = seed;

    /// <summary>SplitMix64 (Steele, Lea and Flood, 2014).</summary>
    public ulong NextBits()
    {
        state += 0x9E3779B97F4A7C15;
        var bits = state;
        bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9;
        bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
        return bits ^ (bits >> 31);
    }

    public override double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    public override int Next(int maxValue) => (int)(NextBits() % (ulong)maxValue);

    protected override double Sample() => NextDouble();

    public bool Chance(double probability) => NextDouble() < probability;

    public T Of<T>(params ReadOnlySpan<T> choices) => choices[Next(choices.Length)];

    public TimeSpan Milliseconds(double from, double to) => TimeSpan.FromMilliseconds(from + ((to - from) * NextDouble()));

    public TimeSpan Seconds(double from, double to) => Milliseconds(from * 1000, to * 1000);

    /// <summary>How long a message is under way: mostly short, at times long, never longer than the protocol allows for.</summary>
    public TimeSpan Journey(double longest) => NextDouble() switch
    {
        < 0.75 => Milliseconds(1, 40),
        < 0.90 => Milliseconds(40, 1000),
        < 0.97 => Seconds(1, longest / 2),
        _ => Seconds(longest / 2, longest),
    };
}
