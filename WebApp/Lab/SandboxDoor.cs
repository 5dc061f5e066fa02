using System.Globalization;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using WebApp.Locking;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Lab;

/// <summary>The door of the sandbox: says with the site's headers what a naive strategy does with a request.</summary>
internal sealed class SandboxDoor(SandboxRooms rooms) : IHttpApplication<HttpContext>
{
    private static readonly ClientInfo Client = ClientInfo.Of("WebApp-Lab", null);

    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    public void DisposeContext(HttpContext context, Exception? exception)
    {
    }

    public async Task ProcessRequestAsync(HttpContext context)
    {
        var cookies = context.Request.Cookies;
        if (!rooms.RefreshesAlways && IsInForce(cookies[LabPair.AccessName]))
        {
            return;
        }

        if (rooms.RefreshTokens.Read(cookies[LabPair.RefreshName]) is not { } presented)
        {
            await RefuseAsync(context, RefusalReason.Invalid);
            return;
        }

        var started = rooms.Time.GetTimestamp();
        var verdict = await JudgeAsync(presented);
        switch (verdict.Status)
        {
            case RotationStatus.Rotated:
            case RotationStatus.Replayed:
                Grant(context, verdict, rooms.Time.GetElapsedTime(started));
                break;
            case RotationStatus.Rejected:
                await RefuseAsync(context, verdict.Reason!.Value);
                break;
            case RotationStatus.Unavailable:
                context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                break;
            default:
                throw new InvalidOperationException($"There is no answer to the verdict {verdict.Status}.");
        }
    }

    private async Task<RotationVerdict> JudgeAsync(RefreshToken presented)
    {
        await using var lease = rooms.Locks is { } locks ? await locks.AcquireAsync(presented.User) : UserLease.NotHeld(LeaseStatus.Unavailable);
        return await rooms.Judge.JudgeAsync(presented, Client, CancellationToken.None);
    }

    private bool IsInForce(string? text) =>
        rooms.AccessTokens.Read(text) is { } token
        && rooms.Time.GetUtcNow() < token.ExpiresAt
        && rooms.Revoked.ReasonFor(token.Session) is null;

    private void Grant(HttpContext context, RotationVerdict verdict, TimeSpan duration)
    {
        var pair = rooms.Pairs.Issue(verdict.Grant!, verdict.IssuedAt);
        var headers = context.Response.Headers;
        headers.Append(HeaderNames.SetCookie, $"{LabPair.AccessName}={pair.AccessToken}; Path=/; HttpOnly; SameSite=Lax");
        headers.Append(HeaderNames.SetCookie, $"{LabPair.RefreshName}={pair.RefreshToken}; Path=/; HttpOnly; SameSite=Lax");
        var word = verdict.Status == RotationStatus.Rotated ? "rotated" : "replayed";
        headers.Append(
            "Server-Timing", string.Create(CultureInfo.InvariantCulture, $"refresh;desc=\"{word}\";dur={duration.TotalMilliseconds:0.0}"));
    }

    private static Task RefuseAsync(HttpContext context, RefusalReason reason)
    {
        context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        context.Response.ContentType = "application/problem+json";
        return context.Response.WriteAsync($$"""{"code":"token_not_valid","reason":"{{reason.NameForPrograms()}}"}""");
    }
}
