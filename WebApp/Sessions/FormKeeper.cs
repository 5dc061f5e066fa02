using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.WebUtilities;
using WebApp.Cookies;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Sessions;

/// <summary>
/// Keeps a form that was posted with a dead session, for the same person at the same browser (protocol, "What a request gets";
/// scenario 50). The browser holds a secret in a cookie; without it nobody reads what is kept, the database's owner included.
/// </summary>
internal sealed class FormKeeper(KeptForms forms, IDataProtectionProvider protection)
{
    /// <summary>Largest form that is kept, in bytes, its files included.</summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    private const string Purpose = "WebApp.KeptForms";

    /// <summary>Whether something may be kept for this browser, before anybody knows who sits there.</summary>
    public static bool MayHold(HttpRequest request) => KeptFormCookie.IsThere(request);

    /// <summary>Whether the request holds a form, and its endpoint does not mind that it is kept.</summary>
    public static bool IsForm(HttpContext context) =>
        HttpMethods.IsPost(context.Request.Method)
        && context.Request.HasFormContentType
        && context.GetEndpoint()?.Metadata.GetMetadata<NoRescueAttribute>() is null;

    /// <summary>Keeps the form of a request, if a person sent it whose session is over.</summary>
    public async Task<KeptOutcome> TryKeepAsync(HttpContext context, UserSession? session)
    {
        var request = context.Request;
        if (session?.DeadUser is not { } user)
        {
            return KeptOutcome.Nothing;
        }

        if (await ReadAsync(request) is not { } body)
        {
            return KeptOutcome.TooLarge;
        }

        var content = new FormContent(request.PathBase + request.Path + request.QueryString, request.ContentType!, body);
        if (await KeptFormMiddleware.ConfirmedAsync(content, context.RequestAborted) is { } confirmed)
        {
            // The session has ended again, between looking at a kept form and sending it.
            return new KeptOutcome(KeptStatus.Kept, confirmed);
        }

        var secret = KeptFormCookie.Read(request) ?? RandomNumberGenerator.GetBytes(KeptFormCookie.SecretLength);
        var id = await forms.AddAsync(user, Hash(secret), Protector(user, secret).Protect(content.ToBytes()));
        KeptFormCookie.Write(context, secret, KeptForms.Lifetime);
        return new KeptOutcome(KeptStatus.Kept, id);
    }

    /// <summary>The kept form of that name, or the newest, of the person who is signed in; null if there is none.</summary>
    public async Task<KeptFormInHand?> FindAsync(HttpRequest request, UserId user, Guid? id)
    {
        if (KeptFormCookie.Read(request) is not { } secret)
        {
            return null;
        }

        var browser = Hash(secret);
        await forms.DeleteOfOthersAsync(user, browser);
        if (await forms.FindAsync(user, browser, id, request.HttpContext.RequestAborted) is not { } row)
        {
            return null;
        }

        try
        {
            return FormContent.Parse(Protector(user, secret).Unprotect(row.Content)) is { } content
                ? new KeptFormInHand(row, content)
                : null;
        }
        catch (CryptographicException)
        {
            // The ring that protected it is gone.
            return null;
        }
    }

    private static byte[] Hash(byte[] secret) => SHA256.HashData(secret);

    private IDataProtector Protector(UserId user, byte[] secret) =>
        protection.CreateProtector(Purpose, user.Value, WebEncoders.Base64UrlEncode(secret));

    /// <summary>Null for a body that is too large. It is read to its end all the same: a browser listens only when it has sent all.</summary>
    private static async Task<byte[]?> ReadAsync(HttpRequest request)
    {
        var kept = new MemoryStream();
        var buffer = new byte[81920];
        int read;
        while ((read = await request.Body.ReadAsync(buffer, request.HttpContext.RequestAborted)) > 0)
        {
            if (kept.Length <= MaxBytes)
            {
                kept.Write(buffer, 0, read);
            }
        }

        return kept.Length <= MaxBytes ? kept.ToArray() : null;
    }
}

/// <summary>What became of a form.</summary>
internal enum KeptStatus
{
    /// <summary>It is none that is kept.</summary>
    Nothing,

    Kept,

    TooLarge,
}

/// <summary>A status, and the name of what was kept.</summary>
internal readonly record struct KeptOutcome(KeptStatus Status, Guid Id = default)
{
    public static KeptOutcome Nothing { get; } = new(KeptStatus.Nothing);

    public static KeptOutcome TooLarge { get; } = new(KeptStatus.TooLarge);
}

/// <summary>A kept form that has been read.</summary>
internal sealed record KeptFormInHand(KeptForm Row, FormContent Content);
