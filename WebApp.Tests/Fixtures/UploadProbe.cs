using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.Extensions.DependencyInjection;

namespace WebApp.Tests.Fixtures;

/// <summary>Sees the files that arrive at the pages of a site.</summary>
internal sealed class UploadProbe : IAsyncPageFilter
{
    public ConcurrentQueue<byte[]> Files { get; } = [];

    public void Add(IServiceCollection services) => services.Configure<MvcOptions>(options => options.Filters.Add(this));

    public Task OnPageHandlerSelectionAsync(PageHandlerSelectedContext context) => Task.CompletedTask;

    public async Task OnPageHandlerExecutionAsync(PageHandlerExecutingContext context, PageHandlerExecutionDelegate next)
    {
        var request = context.HttpContext.Request;
        foreach (var file in request.HasFormContentType ? request.Form.Files : new FormFileCollection())
        {
            using var bytes = new MemoryStream();
            await file.CopyToAsync(bytes);
            Files.Enqueue(bytes.ToArray());
        }

        await next();
    }
}
