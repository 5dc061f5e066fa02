using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Sessions;

/// <summary>
/// The session of this request, for pages. Who is signed in is <c>HttpContext.User</c>, as everywhere in ASP.NET Core; here is
/// what the site knows beyond that. Not there for requests that never look at a session (static files, health checks).
/// </summary>
internal interface IUserSession
{
    /// <summary>The access token this request was judged by, or null if nobody is signed in.</summary>
    SessionGlance? Current { get; }

    /// <summary>Why the tokens that came with this request are no longer good; null if they are, or if there were none.</summary>
    RefusalReason? Refusal { get; }

    /// <summary>Whether nobody could say if a session lives: the person may be signed in, and must not be told otherwise.</summary>
    bool IsUnavailable { get; }

    /// <summary>Where the request comes from, for the record.</summary>
    ClientInfo Client { get; }

    /// <summary>Whether tokens may be handed out on this connection: over HTTPS, or over plain HTTP in Development.</summary>
    bool CanSignIn { get; }

    /// <summary>
    /// The token to call an API with as this person: the upstream issuer's, or without one the access token of this request.
    /// Waits for a renewal where one is needed. For <see cref="UserAccessTokenHandler"/>.
    /// </summary>
    /// <param name="refused">The token that the API has just refused; null if none has been tried.</param>
    Task<ApiToken> GetApiTokenAsync(string? refused);

    /// <summary>
    /// Opens a session and hands its first pair to the browser with this response. The session that the browser presented ends.
    /// Throws when the database is away, and changes nothing then.
    /// </summary>
    /// <param name="proof">From whoever has checked the password.</param>
    /// <param name="remember">Whether the cookies outlive the browser.</param>
    /// <returns>False if the account was disabled or changed since the proof.</returns>
    Task<bool> SignInAsync(AccountProof proof, bool remember);

    /// <summary>
    /// Ends the presented session and clears its cookies. Throws when the database is away, and clears nothing then.
    /// </summary>
    Task SignOutAsync();
}

/// <summary>What an access token says of its session.</summary>
/// <param name="ExpiresAt">When the access token ends; the next request after that refreshes.</param>
/// <param name="SignedInAt">When the person signed in.</param>
/// <param name="Refreshes">How often the session has been refreshed since.</param>
internal sealed record SessionGlance(UserId User, SessionId Session, DateTimeOffset ExpiresAt, DateTimeOffset SignedInAt, int Refreshes);
