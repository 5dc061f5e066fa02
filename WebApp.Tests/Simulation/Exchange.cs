using Microsoft.AspNetCore.Http.Features;
using Microsoft.IdentityModel.JsonWebTokens;
using WebApp.Tokens;

namespace WebApp.Tests.Simulation;

internal enum Kind
{
    /// <summary>A page that needs a user.</summary>
    Page,

    /// <summary>A script's call that needs a user.</summary>
    Program,

    /// <summary>A form whose handler must run once or not at all.</summary>
    Form,

    /// <summary>A page open to all.</summary>
    PublicPage,

    LoginPage,
    Prefetch,
    SignIn,
    SignOut,
}

/// <summary>A cookie, and what is known of the token in it.</summary>
internal sealed record Cookie(string Text, SessionId Session, int Generation, DateTimeOffset? Ends)
{
    public static Cookie Access(string text)
    {
        var token = new JsonWebToken(text);
        return new Cookie(
            text,
            new SessionId(Guid.ParseExact(token.GetPayloadValue<string>(TokenClaims.Session), "N")),
            token.GetPayloadValue<int>(TokenClaims.Generation),
            new DateTimeOffset(token.ValidTo, TimeSpan.Zero));
    }

    public static Cookie Refresh(string text, RefreshToken token) => new(text, token.Session, token.Generation.Value, null);
}

/// <summary>One request, its response, and what became of both.</summary>
internal sealed class Exchange(int number, Browser browser, Kind kind, TimeSpan sentAt)
{
    private readonly TaskCompletionSource<Exchange?> answer = new();

    public Browser Browser { get; } = browser;

    public Kind Kind { get; } = kind;

    public TimeSpan SentAt { get; } = sentAt;

    public Cookie? Access { get; init; }

    public Cookie? Refresh { get; init; }

    /// <summary>Who signs in.</summary>
    public string Person { get; init; } = "";

    /// <summary>How long the page takes, and whether its headers leave before that.</summary>
    public TimeSpan Handling { get; init; }

    public bool Streams { get; init; }

    public TimeSpan Back { get; init; }

    /// <summary>What the network does to the response.</summary>
    public bool IsLost { get; init; }

    public bool HalfIsLost { get; init; }

    public Node Node { get; set; } = null!;

    public CancellationTokenSource Aborted { get; } = new();

    /// <summary>Whether the browser still waits for it.</summary>
    public bool IsAwaited => !answer.Task.IsCompleted;

    /// <summary>The access token was in force when the request arrived, and its session lived.</summary>
    public bool HasGoodAccess { get; set; }

    public int CommandsBefore { get; set; }

    /// <summary>The door has let it pass.</summary>
    public bool IsThrough { get; set; }

    public int Ran { get; set; }

    public int Status { get; set; }

    public bool LeadsToLogin { get; set; }

    /// <summary>What the response sets: null values are deletions.</summary>
    public List<(bool IsAccess, Cookie? Value)> Sets { get; } = [];

    /// <summary>The session that the request stands or falls with.</summary>
    public SessionId? Presented => HasGoodAccess ? Access!.Session : Refresh?.Session;

    /// <summary>Null for an answer that never came.</summary>
    public Task<Exchange?> Answer => answer.Task;

    public void Answered() => answer.TrySetResult(this);

    public void NotAnswered() => answer.TrySetResult(null);

    public override string ToString() => $"#{number} {Browser} {Kind}";
}

/// <summary>A response that can start, as a server's does.</summary>
internal sealed class StartableResponse : HttpResponseFeature
{
    private readonly Stack<(Func<object, Task> Callback, object State)> starting = [];
    private bool hasStarted;

    public override bool HasStarted => hasStarted;

    public override void OnStarting(Func<object, Task> callback, object state) => starting.Push((callback, state));

    public override void OnCompleted(Func<object, Task> callback, object state)
    {
    }

    public async Task StartAsync()
    {
        while (starting.TryPop(out var each))
        {
            await each.Callback(each.State);
        }

        hasStarted = true;
    }
}

/// <summary>One cookie jar, which all tabs share; the Set-Cookie that arrives last wins.</summary>
internal sealed class Browser(string name, bool isThief)
{
    public Cookie? Access { get; set; }

    public Cookie? Refresh { get; set; }

    public bool IsThief { get; } = isThief;

    public void Store(Exchange response, Judge judge)
    {
        foreach (var (isAccess, value) in response.Sets)
        {
            // Half a pair is lost now and then, but not half of one that is late as well: an access token that is newer than the
            // refresh token beside it would keep the browser from asking again in time.
            if (response.HalfIsLost && isAccess == response.Back.Ticks % 2 > 0 && value?.Generation >= (Refresh?.Generation ?? 0))
            {
                judge.LosesHalf(value, isAccess);
                continue;
            }

            if (isAccess)
            {
                Access = value;
            }
            else
            {
                Refresh = value;
            }
        }

        if (Access is not null && Refresh is not null && Access.Session != Refresh.Session)
        {
            judge.Tears(this);
        }
    }

    public override string ToString() => name;
}
