using Microsoft.AspNetCore.Http.Features;

namespace WebApp.Sessions;

/// <summary>How pages and the pipeline reach the session.</summary>
internal static class UserSessionExtensions
{
    /// <summary>The session of this request. Throws on an endpoint that never looks at one.</summary>
    public static IUserSession UserSession(this HttpContext context) => context.Features.GetRequiredFeature<IUserSession>();

    /// <summary>
    /// Makes the clients of this name call as the person whose request is being served; see <see cref="UserAccessTokenHandler"/>.
    /// </summary>
    public static IHttpClientBuilder AddUserAccessToken(this IHttpClientBuilder client)
    {
        client.Services.AddHttpContextAccessor();
        return client.AddHttpMessageHandler(provider =>
            new UserAccessTokenHandler(provider.GetRequiredService<IHttpContextAccessor>()));
    }

    /// <summary>Goes after routing, which tells it what is being asked for, and before authentication.</summary>
    public static IApplicationBuilder UseUserSessions(this IApplicationBuilder app) => app.UseMiddleware<UserSessionMiddleware>();
}
