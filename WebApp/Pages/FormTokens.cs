using Microsoft.AspNetCore.Antiforgery;

namespace WebApp.Pages;

/// <summary>
/// Antiforgery for the forms that people leave open: signing in, registering, signing out. A bare 400 would tell them nothing,
/// so their pages check by hand and offer the form again.
/// </summary>
internal static class FormTokens
{
    public static async Task<bool> AreGoodAsync(this IAntiforgery antiforgery, HttpContext context)
    {
        try
        {
            return await antiforgery.IsRequestValidAsync(context);
        }
        catch (AntiforgeryValidationException)
        {
            // A body that cannot be read as a form holds no token.
            return false;
        }
    }
}
