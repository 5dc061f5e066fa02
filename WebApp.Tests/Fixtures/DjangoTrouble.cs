namespace WebApp.Tests.Fixtures;

/// <summary>An account that a <see cref="DjangoServer"/> begins with.</summary>
internal sealed record DjangoUser(string Name, string Password, bool Active = true)
{
    public static DjangoUser Ada { get; } = new("ada", "Correct-Horse-1");

    public static DjangoUser Bob { get; } = new("bob", "Correct-Horse-2");

    /// <summary>May not sign in.</summary>
    public static DjangoUser Carol { get; } = new("carol", "Correct-Horse-3", Active: false);
}

/// <summary>What a <see cref="DjangoServer"/> is started with.</summary>
internal sealed record DjangoOptions
{
    public IReadOnlyList<DjangoUser> Users { get; init; } = [DjangoUser.Ada, DjangoUser.Bob, DjangoUser.Carol];

    /// <summary>Times in its tokens are whole seconds.</summary>
    public TimeSpan AccessLifetime { get; init; } = TimeSpan.FromMinutes(5);

    public TimeSpan RefreshLifetime { get; init; } = TimeSpan.FromDays(1);

    /// <summary>For HS256.</summary>
    public string SigningKey { get; init; } = "a signing key of the tests that nobody else has";

    public int Workers { get; init; } = 2;

    /// <summary>Of each worker: so many requests does it handle at once.</summary>
    public int Threads { get; init; } = 8;
}

/// <summary>An answer that Django's own is exchanged for.</summary>
internal sealed record DjangoAnswer(int Status, string Body = "", string Type = "application/json", string? Location = null)
{
    public static DjangoAnswer Error { get; } = new(500, "<h1>Server Error (500)</h1>", "text/html");

    /// <summary>As from a proxy or a portal that stands in the way.</summary>
    public static DjangoAnswer Html(int status) => new(status, "<!doctype html><title>Please wait</title><p>Back soon.</p>", "text/html");

    public static DjangoAnswer Redirect(string location) => new(302, "", "text/html", location);
}

/// <summary>At which side of the work a request is held.</summary>
internal enum DjangoHold
{
    None,
    Before,
    After,
}

/// <summary>How the connection breaks after the work is done.</summary>
internal enum DjangoCut
{
    None,

    /// <summary>Without a byte of the answer.</summary>
    Unanswered,

    /// <summary>In the middle of the body.</summary>
    Halfway,
}

/// <summary>What happens to requests whose path begins with this one, in this order, until something else is ordered.</summary>
internal sealed record DjangoTrouble(string Path)
{
    private static int last;

    /// <summary>Tells one order from another.</summary>
    public int Id { get; } = Interlocked.Increment(ref last);

    /// <summary>Only so many requests meet it; null is all.</summary>
    public int? Times { get; init; }

    public double SecondsBefore { get; init; }

    /// <summary>Answered in place of the work, which is not done: no token is spent.</summary>
    public DjangoAnswer? Instead { get; init; }

    /// <summary>Answered although the work is done: a token is spent.</summary>
    public DjangoAnswer? Afterwards { get; init; }

    public double SecondsAfter { get; init; }

    /// <summary>Until <see cref="DjangoServer.OrderAsync"/> is called without this trouble.</summary>
    public DjangoHold Hold { get; init; }

    public DjangoCut Cut { get; init; }
}
