using System.Collections.Concurrent;
using System.Net;
using Microsoft.IdentityModel.JsonWebTokens;
using Xunit;

namespace WebApp.Tests.Fixtures;

/// <summary>What happened to all the people of a test: counts, and whatever must not have happened, in words.</summary>
internal sealed class Journal
{
    private readonly ConcurrentDictionary<(Guid Session, int Generation), Issue> issues = new();
    private readonly ConcurrentQueue<string> signOuts = new();
    private readonly ConcurrentQueue<string> errors = new();
    private readonly ConcurrentQueue<(long Asked, long Answered)> unavailable = new();
    private int requests;
    private int rotations;
    private int replays;
    private int lost;

    public int Requests => requests;

    /// <summary>Answers that said they had rotated. One that was lost says nothing: the rows know better.</summary>
    public int Rotations => rotations;

    public int Replays => replays;

    /// <summary>Loads that were aborted, cut off, or found no node.</summary>
    public int Lost => lost;

    public IReadOnlyCollection<string> SignOuts => signOuts;

    /// <summary>Answers that no fault of a store or a node explains.</summary>
    public IReadOnlyCollection<string> Errors => errors;

    /// <summary>When each 503 was asked for and answered, as timestamps.</summary>
    public IReadOnlyCollection<(long Asked, long Answered)> Unavailable => unavailable;

    public void Write(string person, string path, Answer answer, long asked, long answered)
    {
        Interlocked.Increment(ref requests);
        Count(ref rotations, answer.Rotated);
        Count(ref replays, answer.Replayed);
        Count(ref lost, answer.IsLost);
        if (answer.SignsOut)
        {
            signOuts.Enqueue($"{person} at {path}: {(int?)answer.Status} {answer.Location}");
        }

        else if (answer.Status == HttpStatusCode.ServiceUnavailable)
        {
            unavailable.Enqueue((asked, answered));
        }
        else if (!answer.IsLost && answer.Status is not (HttpStatusCode.OK or HttpStatusCode.Redirect))
        {
            errors.Enqueue($"{person} at {path}: {(int?)answer.Status}");
        }

        if (answer.Pair is { Access.Length: > 0 } pair)
        {
            var token = new JsonWebToken(pair.Access);
            issues.AddOrUpdate(
                (pair.Session, pair.Generation),
                _ => new Issue(token.IssuedAt, token.ValidTo),
                (_, known) => new Issue(
                    token.IssuedAt < known.FirstIssued ? token.IssuedAt : known.FirstIssued,
                    token.ValidTo < known.FirstEnd ? token.ValidTo : known.FirstEnd));
        }
    }

    /// <summary>
    /// Generations that began before an access token of the one before had ended: more than one rotation for an expiry. What was
    /// issued before the journal began is not known to it.
    /// </summary>
    public IReadOnlyList<string> EarlyRotations() => [.. issues
        .Where(next => issues.TryGetValue((next.Key.Session, next.Key.Generation - 1), out var before)
            && next.Value.FirstIssued < before.FirstEnd)
        .Select(next => $"generation {next.Key.Generation} of session {next.Key.Session:N}")];

    /// <summary>The newest generation that anybody was handed, for each session.</summary>
    public IReadOnlyDictionary<Guid, int> Newest() => issues.Keys
        .GroupBy(issue => issue.Session)
        .ToDictionary(session => session.Key, session => session.Max(issue => issue.Generation));

    /// <summary>Fails, in words, if anybody was signed out.</summary>
    public void AssertNobodyWasSignedOut() => Assert.True(signOuts.IsEmpty, string.Join('\n', signOuts));

    private static void Count(ref int counter, bool happened)
    {
        if (happened)
        {
            Interlocked.Increment(ref counter);
        }
    }

    private sealed record Issue(DateTime FirstIssued, DateTime FirstEnd);
}
