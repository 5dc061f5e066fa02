using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Identity;
using WebApp.Accounts;
using WebApp.Pages;
using WebApp.Storage;

namespace WebApp.Composition;

/// <summary>Accounts, and the ways in which people prove that one is theirs.</summary>
internal static class AccountServices
{
    /// <summary>
    /// Makes a browser refuse a cookie unless it is Secure, host-only and for the whole site (RFC 6265bis, section 4.1.3.2).
    /// </summary>
    private const string HostPrefix = "__Host-";

    private const string Required = "required";

    public static void AddAccounts(this IServiceCollection services, IConfiguration configuration, IHostEnvironment environment)
    {
        services.AddIdentityCore<Account>(options =>
            {
                options.Password.RequiredLength = Registration.MinPasswordLength;
                options.Password.RequireDigit = false;
                options.Password.RequireLowercase = false;
                options.Password.RequireUppercase = false;
                options.Password.RequireNonAlphanumeric = false;
            })
            .AddRoles<IdentityRole>()
            .AddErrorDescriber<AccountErrors>()
            .AddEntityFrameworkStores<WebAppDb>()
            .AddTokenProvider<AuthenticatorTokenProvider<Account>>(TokenOptions.DefaultAuthenticatorProvider);
        services.AddScoped<Registration>();
        services.AddScoped<Profile>();
        services.AddScoped<FailedAttempts>();
        services.AddScoped<AccountChange>();
        services.AddScoped<PasswordChange>();
        services.AddSingleton<SignInLimits>();
        services.AddSingleton<SignInMethods>();
        services.AddSecondStep();
        services.AddPasskeys();
        services.AddAuthentication()
            .AddSteps(FirstSteps.Scheme, "sign_in_step", FirstSteps.Life, environment)
            .AddSteps(PasskeyCeremonies.Scheme, "passkey_step", PasskeyCeremonies.Life, environment);
        if (UpstreamServices.IsConfigured(configuration))
        {
            services.AddUpstream();
            return;
        }

        services.AddScoped<IPasswordCheck, PasswordSignIn>();
        services.AddHostedService<AccountSeeder>();
    }

    private static void AddSecondStep(this IServiceCollection services)
    {
        services.AddSingleton<SpentProofs>();
        services.AddScoped<AuthenticatorCodes>();
        services.AddScoped<TwoStep>();
        services.AddScoped<SecondStep>();
    }

    /// <summary>
    /// Identity's handler without its SignInManager, which would open a session of its own. The relying party is the host by which
    /// the browser knows the site.
    /// </summary>
    private static void AddPasskeys(this IServiceCollection services)
    {
        services.AddScoped<IPasskeyHandler<Account>, PasskeyHandler<Account>>();
        services.Configure<IdentityPasskeyOptions>(options =>
        {
            // It stands for both steps, and for the name: the authenticator must know who holds it, and for whom.
            options.UserVerificationRequirement = Required;
            options.ResidentKeyRequirement = Required;
            options.ValidateOrigin = context => ValueTask.FromResult(IsThisSite(context));
        });
        services.AddScoped<Passkeys>();
        services.AddScoped<PasskeySignIn>();
    }

    /// <summary>
    /// The page that asked the authenticator must be one of this site. Identity alone compares it with the request's header Origin,
    /// which whoever sends the request has written: a site on a subdomain of this host could have asked (Web Authentication, 13.4.9).
    /// </summary>
    internal static bool IsThisSite(PasskeyOriginValidationContext context)
    {
        var request = context.HttpContext.Request;
        return !context.CrossOrigin && context.Origin == $"{request.Scheme}://{request.Host}";
    }

    /// <summary>A cookie that lives for the minutes between two steps, and is sent by pages of this site alone.</summary>
    private static AuthenticationBuilder AddSteps(
        this AuthenticationBuilder authentication, string scheme, string cookie, TimeSpan life, IHostEnvironment environment) =>
        authentication.AddCookie(scheme, options =>
        {
            // Plain HTTP is a developer's affair, and there no browser takes the prefix.
            options.Cookie.Name = environment.IsDevelopment() ? cookie : HostPrefix + cookie;
            options.Cookie.Path = "/";
            options.Cookie.HttpOnly = true;
            options.Cookie.SameSite = SameSiteMode.Strict;
            options.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            options.ExpireTimeSpan = life;
            options.SlidingExpiration = false;
        });
}
