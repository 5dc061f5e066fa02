using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.Net.Http.Headers;

namespace WebApp.Pages;

/// <summary>Tells whoever keeps a page that another reader, or the same one after a choice, gets it in another language.</summary>
internal sealed class LanguageVaries : IResultFilter
{
    public void OnResultExecuting(ResultExecutingContext context)
    {
        if (context.Result is PageResult)
        {
            context.HttpContext.Response.Headers.Append(HeaderNames.Vary, "Accept-Language, Cookie");
        }
    }

    public void OnResultExecuted(ResultExecutedContext context)
    {
    }
}
