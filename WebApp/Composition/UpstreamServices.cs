using System.Net;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Http.Resilience;
using Microsoft.Extensions.Options;
using Polly;
using WebApp.Accounts;
using WebApp.Configuration;
using WebApp.Coordination;
using WebApp.Upstream;
using WebApp.Upstream.SimpleJwt;

namespace WebApp.Composition;

/// <summary>An issuer behind the site that knows the passwords (protocol, "An upstream issuer").</summary>
internal static class UpstreamServices
{
    /// <summary>Largest answer that is read, in bytes.</summary>
    private const int MaxAnswer = 64 * 1024;

    public static bool IsConfigured(IConfiguration configuration) =>
        configuration.GetSection(UpstreamOptions.Section)[nameof(UpstreamOptions.Kind)] is { } kind
        && kind.Equals(nameof(UpstreamKind.SimpleJwt), StringComparison.OrdinalIgnoreCase);

    public static void AddUpstream(this IServiceCollection services)
    {
        services.AddHttpClient<SimpleJwtClient>(Configure).ConfigurePrimaryHttpMessageHandler(Connection).TryAgain(AnyFault);
        services.AddHttpClient<SimpleJwtSpendClient>(Configure).ConfigurePrimaryHttpMessageHandler(FreshConnection).TryAgain(NobodyThere);
        services.AddHttpClient(UpstreamKeys.Client, Configure).ConfigurePrimaryHttpMessageHandler(Connection).TryAgain(AnyFault);

        services.AddSingleton<UpstreamKeys>();
        services.AddSingleton<SimpleJwtTokens>();
        services.AddSingleton<SimpleJwtIssuer>();
        services.AddSingleton<IUpstreamIssuer>(provider => provider.GetRequiredService<SimpleJwtIssuer>());
        services.AddSingleton<IPasswordIssuer>(provider => provider.GetRequiredService<SimpleJwtIssuer>());

        services.AddSingleton<UpstreamEnds>();
        services.AddHostedService(provider => provider.GetRequiredService<UpstreamEnds>());
        services.AddSingleton<UpstreamStash>();
        services.AddHostedService(provider => provider.GetRequiredService<UpstreamStash>());
        services.AddSingleton<UpstreamSpender>();
        services.AddSingleton<UpstreamRotation>();
        services.AddSingleton<UpstreamAccess>();

        services.AddHttpContextAccessor();
        services.AddHttpForwarder();
        services.AddScoped<IPasswordCheck, UpstreamSignIn>();
        services.Configure<IdentityOptions>(options => options.User.AllowedUserNameCharacters = "");
    }

    private static void Configure(IServiceProvider provider, HttpClient client)
    {
        var options = provider.GetRequiredService<IOptions<UpstreamOptions>>().Value;
        client.BaseAddress = new Uri(options.BaseAddress);
        client.Timeout = options.Timeout;
        client.MaxResponseContentBufferSize = MaxAnswer;
    }

    /// <summary>A redirect is no answer of the issuer's, and a cookie of its own is nobody's.</summary>
    private static SocketsHttpHandler Connection(IServiceProvider provider) => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        ConnectTimeout = provider.GetRequiredService<IOptions<UpstreamOptions>>().Value.Timeout / 2,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    };

    /// <summary>One that is kept open may be closed by the other side just then, and nobody knows what it has read.</summary>
    private static SocketsHttpHandler FreshConnection(IServiceProvider provider)
    {
        var connection = Connection(provider);
        connection.PooledConnectionLifetime = TimeSpan.Zero;
        return connection;
    }

    private static void TryAgain(this IHttpClientBuilder client, Func<Outcome<HttpResponseMessage>, bool> after) =>
        client.AddResilienceHandler("again", pipeline => pipeline.AddRetry(new HttpRetryStrategyOptions
        {
            MaxRetryAttempts = 2,
            Delay = TimeSpan.FromMilliseconds(100),
            UseJitter = true,
            ShouldHandle = attempt => ValueTask.FromResult(after(attempt.Outcome)),
        }));

    private static bool AnyFault(Outcome<HttpResponseMessage> outcome) => outcome switch
    {
        { Exception: HttpRequestException } => true,
        { Result.StatusCode: >= HttpStatusCode.InternalServerError } => true,
        _ => false,
    };

    /// <summary>The connection was refused, so no request can have arrived.</summary>
    private static bool NobodyThere(Outcome<HttpResponseMessage> outcome) =>
        outcome.Exception is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError };
}
