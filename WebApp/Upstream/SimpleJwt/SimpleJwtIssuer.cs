using WebApp.Telemetry;
using WebApp.Tokens;

namespace WebApp.Upstream.SimpleJwt;

/// <summary>A server with Django REST framework Simple JWT, on the paths of its documentation ("Getting started").</summary>
internal sealed partial class SimpleJwtIssuer(
    SimpleJwtClient client, SimpleJwtSpendClient spending, SimpleJwtTokens tokens, ILogger<SimpleJwtIssuer> logger)
    : IUpstreamIssuer, IPasswordIssuer
{
    public async Task<UpstreamAnswer> SignInAsync(string userName, string password, CancellationToken cancellation)
    {
        var reply = await client.PostAsync("api/token/", new() { ["username"] = userName, ["password"] = password }, cancellation);
        return await AnswerAsync(reply, userName, known: null, cancellation);
    }

    public async Task<UpstreamAnswer> SpendAsync(UpstreamTokens spent, CancellationToken deadline)
    {
        var reply = await spending.PostAsync("api/token/refresh/", new() { ["refresh"] = spent.Refresh }, deadline);
        return await AnswerAsync(reply, spent.Name, spent, deadline);
    }

    public async Task<bool> TryEndAsync(UpstreamTokens tokens, CancellationToken cancellation)
    {
        var reply = await client.PostAsync("api/token/blacklist/", new() { ["refresh"] = tokens.Refresh }, cancellation);
        return reply.Kind is SimpleJwtReplyKind.Granted or SimpleJwtReplyKind.Refused;
    }

    /// <param name="reply">What came back.</param>
    /// <param name="name">What the person is called if the token does not say.</param>
    /// <param name="known">The tokens before these: without rotation the issuer names no new refresh token.</param>
    /// <param name="cancellation">Ends the look at the issuer's keys.</param>
    private async Task<UpstreamAnswer> AnswerAsync(
        SimpleJwtReply reply, string name, UpstreamTokens? known, CancellationToken cancellation)
    {
        switch (reply.Kind)
        {
            case SimpleJwtReplyKind.Refused:
                return UpstreamAnswer.Refused;
            case SimpleJwtReplyKind.Unavailable:
                return UpstreamAnswer.Unavailable;
            case SimpleJwtReplyKind.Granted:
                if (reply.Text("access") is { } access
                    && (reply.Text("refresh") ?? known?.Refresh) is { } refresh
                    && await tokens.ReadAsync(access, refresh, name, cancellation) is { } granted)
                {
                    return granted;
                }

                NotUnderstood(logger);
                return UpstreamAnswer.Unavailable;
            default:
                throw new InvalidOperationException($"There is no answer to the reply {reply.Kind}.");
        }
    }

    [LoggerMessage(LogEvents.UpstreamNotUnderstood, LogLevel.Error,
        "The upstream issuer granted tokens that cannot be read. Do Upstream:SigningKey and Upstream:JwksUri fit its keys?")]
    private static partial void NotUnderstood(ILogger logger);
}
