namespace WebApp.Lab;

/// <summary>What answers the storm.</summary>
internal enum LabStrategy
{
    /// <summary>The running site, with everything that it has.</summary>
    Site,

    /// <summary>Every request refreshes, whether or not its access token is in force.</summary>
    Reload,

    /// <summary>A refresh only at expiry, and a spent token is reuse at once.</summary>
    Rotate,

    /// <summary>The same behind a lock per user.</summary>
    Lock,
}

/// <summary>What is fired at what. The same plan throws the same answers away.</summary>
/// <param name="Strategy">What answers.</param>
/// <param name="Requests">How many requests start at the same moment.</param>
/// <param name="Tabs">Among how many tabs of one browser.</param>
/// <param name="Lost">Percentage of the answers that never reach the browser.</param>
/// <param name="Seed">Decides which of them.</param>
/// <param name="Nodes">Among how many nodes of the site the requests are spread.</param>
internal sealed record LabPlan(LabStrategy Strategy, int Requests, int Tabs, int Lost, int Seed, int Nodes)
{
    public const int MaxRequests = 500;
    public const int MaxTabs = 20;
    public const int MaxSeed = 999_999_999;

    /// <summary>Every request, and one more of each tab.</summary>
    public int Total => Requests + Tabs;

    /// <summary>The numbers of the requests whose answers are thrown away.</summary>
    public HashSet<int> LostNumbers()
    {
        var numbers = Enumerable.Range(0, Requests).ToArray();
        new Random(Seed).Shuffle(numbers);
        return [.. numbers.Take((int)Math.Round(Requests * Lost / 100.0, MidpointRounding.AwayFromZero))];
    }
}
