using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using WebApp.Tokens;

namespace WebApp.Sessions;

/// <summary>
/// Lets the cookie handler of ASP.NET Core take an access token for its ticket. The token in the cookie then is what
/// <c>[Authorize]</c>, challenges and <c>HttpContext.User</c> rest on, and nothing else is.
/// </summary>
internal sealed class AccessTokenTickets(AccessTokenReader accessTokens) : ISecureDataFormat<AuthenticationTicket>
{
    public AuthenticationTicket? Unprotect(string? protectedText) => accessTokens.Read(protectedText) is { } token
        ? new AuthenticationTicket(token.CreatePrincipal(), CookieAuthenticationDefaults.AuthenticationScheme)
        : null;

    public AuthenticationTicket? Unprotect(string? protectedText, string? purpose) => Unprotect(protectedText);

    public string Protect(AuthenticationTicket data) => throw SignInElsewhere();

    public string Protect(AuthenticationTicket data, string? purpose) => throw SignInElsewhere();

    private static NotSupportedException SignInElsewhere() =>
        new($"A session is a row in the database: sign in with {nameof(IUserSession)}.{nameof(IUserSession.SignInAsync)}.");
}

/// <summary>
/// Shows the cookie handler the access token that the door accepted, be it the presented one or its successor. The door has
/// judged its time: judged again a moment later, a request could be refused on the stroke of its expiry (scenario 29).
/// </summary>
internal sealed class AcceptedAccessToken : ICookieManager
{
    public string? GetRequestCookie(HttpContext context, string key) =>
        (context.Features.Get<IUserSession>() as UserSession)?.AccessText;

    public void AppendResponseCookie(HttpContext context, string key, string? value, CookieOptions options) =>
        throw SignOutElsewhere();

    public void DeleteCookie(HttpContext context, string key, CookieOptions options) => throw SignOutElsewhere();

    private static NotSupportedException SignOutElsewhere() =>
        new($"A session is a row in the database: sign out with {nameof(IUserSession)}.{nameof(IUserSession.SignOutAsync)}.");
}
