using System.Collections.Concurrent;
using WebApp.Tokens;
using WebApp.Upstream;

namespace WebApp.Tests.Fixtures;

/// <summary>
/// An issuer that takes each refresh token once, as Simple JWT does with its blacklist, and can be told to lose its answers.
/// </summary>
internal sealed class StubIssuer : IUpstreamIssuer
{
    private readonly ConcurrentDictionary<string, bool> spent = new();
    private int issued;

    /// <summary>How long its access tokens last, from when they are taken to arrive.</summary>
    public static TimeSpan Lifetime => TimeSpan.FromMinutes(5);

    public WatchedTime Time { get; set; } = null!;

    /// <summary>Where a call waits before it is carried out.</summary>
    public Gate? Before { get; set; }

    /// <summary>Where an answer waits.</summary>
    public Gate? After { get; set; }

    /// <summary>So many answers are lost; what was asked has been done.</summary>
    public int Loses { get; set; }

    /// <summary>Whether it takes one token more than once, as Simple JWT does when two come at the same moment.</summary>
    public bool Forks { get; set; }

    /// <summary>A defect, if it has one.</summary>
    public Exception? Throws { get; set; }

    /// <summary>Where it waits before it hears that a token is to be taken no more.</summary>
    public Gate? BeforeEnd { get; set; }

    /// <summary>Whether it hears nothing of tokens that are to be taken no more.</summary>
    public bool IsDeaf { get; set; }

    /// <summary>When its last answer left, on the wall.</summary>
    public long AnsweredAt { get; private set; }

    /// <summary>What was asked of it, in order.</summary>
    public ConcurrentQueue<string> Spends { get; } = new();

    /// <summary>The refresh tokens that it was told to take no more.</summary>
    public ConcurrentQueue<string> Ended { get; } = new();

    public UpstreamTokens Issue(string name = "Ada", params string[] roles)
    {
        var number = Interlocked.Increment(ref issued);
        return new UpstreamTokens($"upstream-access-{number}", $"upstream-refresh-{number}", Time.GetUtcNow() + Lifetime, name, roles);
    }

    public void Refuse(string refresh) => spent[refresh] = true;

    public async Task<UpstreamAnswer> SpendAsync(UpstreamTokens spent, CancellationToken deadline)
    {
        Spends.Enqueue(spent.Refresh);
        if (Throws is not null)
        {
            throw Throws;
        }

        await (Before?.PassAsync().WaitAsync(deadline) ?? Task.CompletedTask);
        var granted = this.spent.TryAdd(spent.Refresh, true) || Forks;
        var answer = granted
            ? new UpstreamAnswer(UpstreamStatus.Granted, Issue(), new UserId("issuer|ada"))
            : UpstreamAnswer.Refused;
        await (After?.PassAsync() ?? Task.CompletedTask);
        if (Loses > 0)
        {
            Loses--;
            return UpstreamAnswer.Unavailable;
        }

        AnsweredAt = The.WallClock.GetTimestamp();
        return answer;
    }

    public async Task<bool> TryEndAsync(UpstreamTokens tokens, CancellationToken cancellation)
    {
        await (BeforeEnd?.PassAsync().WaitAsync(cancellation) ?? Task.CompletedTask);
        if (IsDeaf)
        {
            return false;
        }

        Ended.Enqueue(tokens.Refresh);
        return true;
    }
}
