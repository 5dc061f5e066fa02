using System.Net;
using System.Net.Http.Headers;
using WebApp.Tokens;

namespace WebApp.Sessions;

/// <summary>
/// Calls an API as the person whose request this is. A token that has ended, or that the API answers with 401, is renewed once,
/// and the call is repeated once if its content can be sent again. A session that is over is answered with 401, one that cannot
/// be judged with 503, and neither call is made then.
/// </summary>
internal sealed class UserAccessTokenHandler(IHttpContextAccessor current) : DelegatingHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var session = current.HttpContext?.Features.Get<IUserSession>()
            ?? throw new InvalidOperationException("There is no session here: a call as the user is made while a request of his is served.");
        var first = await session.GetApiTokenAsync(refused: null);
        if (first.Token is null)
        {
            return Without(first);
        }

        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", first.Token);
        var response = await base.SendAsync(request, cancellationToken);
        if (response.StatusCode != HttpStatusCode.Unauthorized || !CanRepeat(request.Content))
        {
            return response;
        }

        var second = await session.GetApiTokenAsync(refused: first.Token);
        if (second.Token == first.Token)
        {
            return response;
        }

        response.Dispose();
        if (second.Token is null)
        {
            return Without(second);
        }

        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", second.Token);
        return await base.SendAsync(request, cancellationToken);
    }

    /// <summary>What is sent from memory is sent again as it was; a stream has been read.</summary>
    private static bool CanRepeat(HttpContent? content) => content is null or ByteArrayContent or JsonContent or ReadOnlyMemoryContent;

    private static HttpResponseMessage Without(ApiToken none)
    {
        var response = none.Refusal is { } reason
            ? new HttpResponseMessage(HttpStatusCode.Unauthorized)
            {
                Content = JsonContent.Create(new { detail = SessionAnswers.Over, code = "token_not_valid", reason = reason.NameForPrograms() }),
            }
            : new HttpResponseMessage(HttpStatusCode.ServiceUnavailable)
            {
                Content = JsonContent.Create(new { detail = SessionAnswers.NotNow, code = "temporarily_unavailable" }),
            };
        if (none.Refusal is null)
        {
            response.Headers.RetryAfter = new RetryConditionHeaderValue(TimeSpan.FromSeconds(SessionAnswers.RetryAfterSeconds));
        }
        else
        {
            response.Headers.WwwAuthenticate.Add(new AuthenticationHeaderValue("Bearer", "realm=\"api\""));
        }

        return response;
    }
}
