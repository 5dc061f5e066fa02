using System.Globalization;
using Microsoft.AspNetCore.Antiforgery;
using WebApp.Cookies;
using WebApp.Storage;

namespace WebApp.Sessions;

/// <summary>
/// Sends a kept form, once, when its sender has said so: the confirmation is posted to the address that the form was meant for,
/// and becomes that form here. The page behind it notices nothing.
/// </summary>
internal sealed class KeptFormMiddleware(RequestDelegate next, FormKeeper keeper, KeptForms forms, IAntiforgery antiforgery)
{
    /// <summary>The field of the confirmation that names the form.</summary>
    public const string Field = "__kept_form";

    /// <summary>The field that says when it had been sent before, as its sender was told, in milliseconds; empty for never.</summary>
    public const string SentBefore = "__kept_sent_before";

    /// <summary>Where a kept form is shown.</summary>
    public const string Path = "/kept";

    /// <summary>Largest confirmation, in bytes: two fields.</summary>
    private const int MaxConfirmation = 8 * 1024;

    private const string UrlEncoded = "application/x-www-form-urlencoded";
    private const string TokenHeader = "RequestVerificationToken";

    public Task InvokeAsync(HttpContext context) => MayConfirm(context.Request) ? ConfirmAsync(context) : next(context);

    /// <summary>The kept form that this one confirms; null if it is a form of its own.</summary>
    public static async Task<Guid?> ConfirmedAsync(FormContent form, CancellationToken cancellation) =>
        form.Body.Length <= MaxConfirmation
        && form.ContentType.StartsWith(UrlEncoded, StringComparison.OrdinalIgnoreCase)
        && Guid.TryParse((await form.ReadAsync(cancellation))[Field], out var id)
            ? id
            : null;

    private static bool MayConfirm(HttpRequest request) =>
        HttpMethods.IsPost(request.Method)
        && KeptFormCookie.IsThere(request)
        && request.ContentLength is <= MaxConfirmation
        && request.ContentType?.StartsWith(UrlEncoded, StringComparison.OrdinalIgnoreCase) == true;

    private static DateTimeOffset? Moment(string? milliseconds) =>
        long.TryParse(milliseconds, NumberStyles.None, CultureInfo.InvariantCulture, out var moment)
        && moment <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            ? DateTimeOffset.FromUnixTimeMilliseconds(moment)
            : null;

    private async Task ConfirmAsync(HttpContext context)
    {
        var request = context.Request;
        if (await FormContent.TryReadAsync(request, context.RequestAborted) is not { } form || !Guid.TryParse(form[Field], out var id))
        {
            await next(context);
            return;
        }

        // Whatever is wrong, the form stays where it is, and its page says how things stand.
        if (context.Features.Get<IUserSession>()?.Current is not { } current
            || await keeper.FindAsync(request, current.User, id) is not { } kept
            || kept.Content.Target != request.PathBase + request.Path + request.QueryString
            || !await antiforgery.IsRequestValidAsync(context)
            || !await forms.TryTakeAsync(id, Moment(form[SentBefore])))
        {
            context.Response.Redirect($"{request.PathBase}{Path}/{id}");
            return;
        }

        // The token inside is as old as the form. Antiforgery looks at the header first.
        request.Headers[TokenHeader] = form[antiforgery.GetTokens(context).FormFieldName];
        kept.Content.Replace(request);
        await next(context);

        // An error leaves open whether the form has arrived: then it is kept, and its page says so.
        if (context.Response.StatusCode < StatusCodes.Status400BadRequest)
        {
            await forms.DeleteAsync(current.User, id);
        }
    }
}
