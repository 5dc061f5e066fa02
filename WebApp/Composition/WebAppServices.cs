using Microsoft.AspNetCore.Authentication.Cookies;
using WebApp.Api;
using WebApp.Configuration;
using WebApp.Cookies;
using WebApp.Coordination;
using WebApp.Locking;
using WebApp.Pages;
using WebApp.Sessions;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tokens;

namespace WebApp.Composition;

/// <summary>What the site is made of: one line a room.</summary>
internal static class WebAppServices
{
    public static void AddWebApp(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddConfiguration();
        services.AddTelemetry();
        services.AddDatabase(builder.Configuration);
        services.AddTokens();
        services.AddStorage();
        services.AddLocking(builder.Configuration);
        services.AddCoordination();
        services.AddAccounts(builder.Configuration, builder.Environment);
        services.AddSessions();
        services.AddSingleton<TokenApiServices>();
        services.AddLab();
        services.AddPages(builder.Environment);
        services.AddLanguages();
    }

    internal static void AddConfiguration(this IServiceCollection services) => services
        .AddStrictOptions<ConnectionsOptions, ConnectionsRules>(ConnectionsOptions.Section)
        .AddStrictOptions<SessionsOptions, SessionsRules>(SessionsOptions.Section)
        .AddStrictOptions<AccountsOptions, AccountsRules>(AccountsOptions.Section)
        .AddStrictOptions<UpstreamOptions, UpstreamRules>(UpstreamOptions.Section)
        .AddStrictOptions<LabOptions, LabRules>(LabOptions.Section);

    private static void AddTelemetry(this IServiceCollection services)
    {
        services.AddSingleton<SessionMetrics>();

        // Of its errors the host logs two: a start that failed, which WebAppStart explains, and a background service that
        // failed, which it logs again as critical.
        services.AddLogging(logging => logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical));
    }

    private static void AddTokens(this IServiceCollection services)
    {
        services.AddSingleton(Random.Shared);
        services.AddSingleton<SigningKeys>();
        services.AddSingleton<AccessTokenIssuer>();
        services.AddSingleton<AccessTokenReader>();
        services.AddSingleton<RefreshTokens>();
        services.AddSingleton<TokenPairs>();
        services.AddSingleton<UpstreamTokenProtector>();
    }

    /// <summary>The hosted services start in this order, and before the first request is served.</summary>
    private static void AddStorage(this IServiceCollection services)
    {
        services.AddSingleton<SigningKeyStore>();
        services.AddHostedService(provider => provider.GetRequiredService<SigningKeyStore>());

        services.AddSingleton<RevokedSessions>();
        services.AddSingleton<RevokedSessionsReader>();
        services.AddHostedService(provider => provider.GetRequiredService<RevokedSessionsReader>());
        services.AddSingleton<SeenWriter>();
        services.AddHostedService(provider => provider.GetRequiredService<SeenWriter>());
        services.AddSingleton<SecurityEvents>();
        services.AddHostedService<SecurityEventWriter>();
        services.AddHostedService<SessionSweeper>();
        services.AddHostedService<RecordSweeper>();

        services.AddSingleton<ISessionRows, SessionRows>();
        services.AddSingleton<IUpstreamRows, UpstreamRows>();
        services.AddSingleton<DatabaseRetry>();
        services.AddSingleton<SessionRevoker>();
        services.AddSingleton<RotationJudge>();
        services.AddSingleton<SessionOpener>();
        services.AddSingleton<SessionList>();
        services.AddSingleton<SessionEndings>();
        services.AddSingleton<SecurityLog>();
        services.AddSingleton<KeptForms>();
        services.AddSingleton<NoteStore>();
        services.AddHealthChecks().AddCheck<DatabaseHealth>("database").AddCheck<SigningKeyHealth>("keys");
    }

    /// <summary>The distributed cache and the locks share one connection to Redis, or do without.</summary>
    private static void AddLocking(this IServiceCollection services, IConfiguration configuration)
    {
        if (string.IsNullOrEmpty(configuration.GetConnectionString(nameof(ConnectionsOptions.Redis))))
        {
            services.AddDistributedMemoryCache();
            services.AddSingleton<IUserLock, ProcessUserLock>();
            return;
        }

        services.AddSingleton<RedisConnection>();
        services.AddHostedService(provider => provider.GetRequiredService<RedisConnection>());
        services.AddStackExchangeRedisCache(options => options.InstanceName = RedisLocks.KeyPrefix);
        services.AddOptions<Microsoft.Extensions.Caching.StackExchangeRedis.RedisCacheOptions>().Configure<RedisConnection>(
            (options, redis) => options.ConnectionMultiplexerFactory = redis.SoonAsync);
        services.AddSingleton<RedisCircuit>();
        services.AddSingleton<IRedisLocks, RedisLocks>();
        services.AddSingleton<IUserLock, RedisUserLock>();
        services.AddSingleton<RedisBell>();
        services.AddHostedService<RevocationBell>();
        services.AddHealthChecks().AddCheck<RedisHealth>("redis");
    }

    private static void AddCoordination(this IServiceCollection services)
    {
        services.AddSingleton<DeadSessions>();
        services.AddSingleton<RefreshBudget>();
        services.AddSingleton<RefreshCoordinator>();
        services.AddSingleton<SessionLifecycle>();
    }

    private static void AddSessions(this IServiceCollection services)
    {
        services.AddSingleton<SessionCookies>();
        services.AddSingleton<SessionDoor>();
        services.AddSingleton<UserSessionServices>();
        services.AddSingleton<FormKeeper>();

        services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie(options =>
        {
            options.LoginPath = "/login";
            options.ReturnUrlParameter = "returnUrl";
            options.SlidingExpiration = false;
            options.CookieManager = new AcceptedAccessToken();
            options.Events.OnRedirectToLogin = SessionAnswers.ChallengeAsync;
            options.Events.OnRedirectToAccessDenied = SessionAnswers.ForbidAsync;
        });
        services.AddOptions<CookieAuthenticationOptions>(CookieAuthenticationDefaults.AuthenticationScheme)
            .Configure<AccessTokenReader>((options, reader) => options.TicketDataFormat = new AccessTokenTickets(reader));
        services.AddAuthorization();
    }

    private static void AddPages(this IServiceCollection services, IHostEnvironment environment)
    {
        services.AddRazorPages(options =>
        {
            options.Conventions.ConfigureFilter(new LanguageVaries());

            // Without a route there is no page, and nobody is asked to sign in for it.
            if (!environment.IsDevelopment())
            {
                options.Conventions.AddFolderRouteModelConvention("/Demo", page => page.Selectors.Clear());
            }
        }).AddTexts();
        services.AddLabPages();
        services.AddRouting(options => options.LowercaseUrls = true);
        services.AddOpenApi();
        services.AddProblemDetails(options => options.CustomizeProblemDetails = problem =>
        {
            if (problem.ProblemDetails.Status == StatusCodes.Status405MethodNotAllowed)
            {
                problem.ProblemDetails.Detail = $"Method \"{problem.HttpContext.Request.Method}\" not allowed.";
            }
        });
        services.AddExceptionHandler<ProgramExceptionHandler>();
    }
}
