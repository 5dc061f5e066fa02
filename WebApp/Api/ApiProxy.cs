using System.Net;
using Microsoft.Extensions.Options;
using WebApp.Configuration;
using WebApp.Sessions;
using Yarp.ReverseProxy.Forwarder;

namespace WebApp.Api;

/// <summary>
/// <c>/proxy/api/**</c>: a script of this site calls the API behind it by cookie alone, and the site adds the person's token.
/// Bodies are streamed in both directions; the site's cookies stay here.
/// </summary>
internal static class ApiProxy
{
    public const string Path = "/proxy/api";

    /// <summary>Only where there is an API behind the site.</summary>
    public static IEndpointRouteBuilder MapApiProxy(this IEndpointRouteBuilder routes)
    {
        var options = routes.ServiceProvider.GetRequiredService<IOptions<UpstreamOptions>>().Value;
        if (options.Kind == UpstreamKind.None)
        {
            return routes;
        }

        var client = new HttpMessageInvoker(
            new UserAccessTokenHandler(routes.ServiceProvider.GetRequiredService<IHttpContextAccessor>())
            {
                InnerHandler = new SocketsHttpHandler
                {
                    AllowAutoRedirect = false,
                    AutomaticDecompression = DecompressionMethods.None,
                    UseCookies = false,
                    UseProxy = false,
                },
            });
        routes.ServiceProvider.GetRequiredService<IHostApplicationLifetime>().ApplicationStopped.Register(client.Dispose);
        var forwarder = routes.ServiceProvider.GetRequiredService<IHttpForwarder>();
        var api = new Uri(new Uri(options.BaseAddress), "api").ToString();
        var transformer = new ApiTransformer();
        routes.Map(Path + "/{**path}", async (HttpContext context) =>
        {
            if (!context.Request.IsSafe() && !SessionEndpoints.IsFromThisSite(context.Request))
            {
                await SessionAnswers.Forbidden("Send the header X-Requested-With, from a page of this site.").ExecuteAsync(context);
                return;
            }

            await forwarder.SendAsync(context, api, client, ForwarderRequestConfig.Empty, transformer);
        }).RequireAuthorization().ExcludeFromDescription();
        return routes;
    }

    /// <summary>Says to the API what the browser said, without who it was to this site.</summary>
    private sealed class ApiTransformer : HttpTransformer
    {
        public override async ValueTask TransformRequestAsync(
            HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
        {
            await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
            httpContext.Request.Path.StartsWithSegments(Path, out var rest);
            proxyRequest.RequestUri = RequestUtilities.MakeDestinationAddress(destinationPrefix, rest, httpContext.Request.QueryString);
            proxyRequest.Headers.Remove("Cookie");
            proxyRequest.Headers.Authorization = null;
            proxyRequest.Headers.Host = null;
        }

        /// <summary>A cookie of the API's would be one of this site's.</summary>
        public override async ValueTask<bool> TransformResponseAsync(
            HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
        {
            proxyResponse?.Headers.Remove("Set-Cookie");
            var cacheControl = httpContext.Response.Headers.CacheControl;
            var copied = await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
            httpContext.Response.Headers.CacheControl = cacheControl;
            return copied;
        }
    }
}
