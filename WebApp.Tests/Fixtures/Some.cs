using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Tests.Fixtures;

/// <summary>Things of which any will do.</summary>
internal static class Some
{
    public static ClientInfo Client { get; } = new("a test", "127.0.0.1");

    public static UserId User() => new("user-" + Guid.NewGuid().ToString("N"));

    public static RefreshToken RefreshToken(int generation = 0) => new(SessionId.New(), new Generation(generation), User());

    public static SessionGrant Grant(int generation = 0, params string[] roles) => new(
        SessionId.New(), new Generation(generation), User(), "ada", roles, The.Beginning, The.Beginning.AddDays(30), Persistent: false,
        SessionTransport.Cookie);

    public static IOptions<SessionsOptions> Options(Action<SessionsOptions>? change = null)
    {
        var options = new SessionsOptions();
        change?.Invoke(options);
        return Microsoft.Extensions.Options.Options.Create(options);
    }
}
