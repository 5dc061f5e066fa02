using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.AspNetCore.Mvc;

namespace WebApp.Pages;

/// <summary>Where a page leads when it is done.</summary>
internal static class ReturnUrls
{
    /// <summary>
    /// The address that came with the request if it is one of this site, else the other. Escaped again: the query holds the letters
    /// of an address as they are read, and a header has only those of ASCII.
    /// </summary>
    public static string LocalOr(this IUrlHelper url, string? returnUrl, string otherwise) =>
        url.IsLocalUrl(returnUrl) ? UriHelper.Encode(new Uri(returnUrl!, UriKind.Relative)) : otherwise;
}
