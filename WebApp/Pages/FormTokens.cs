using Microsoft.AspNetCore.Antiforgery;
using WebApp.Sessions;

namespace WebApp.Pages;

/// <summary>
/// Antiforgery for the forms that people leave open: signing in, registering, signing out. A bare 400 would tell them nothing,
/// so their pages check by hand and offer the form again.
/// </summary>
internal static class FormTokens
{
    /// <summary>
    /// Whether the form is one of this site, made for whoever sends it. Two tabs that show one for the first time are given a cookie
    /// each, of which the browser keeps one: where nobody is signed in, its word that the form is the site's own counts as well.
    /// </summary>
    public static async Task<bool> AreGoodAsync(this IAntiforgery antiforgery, HttpContext context)
    {
        try
        {
            return await antiforgery.IsRequestValidAsync(context)
                || (context.User.Identity?.IsAuthenticated != true && context.Request.IsSameOrigin());
        }
        catch (AntiforgeryValidationException)
        {
            // A body that cannot be read as a form holds no token.
            return false;
        }
    }
}
