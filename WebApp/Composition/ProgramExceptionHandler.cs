using Microsoft.AspNetCore.Diagnostics;
using WebApp.Sessions;
using WebApp.Storage;
using WebApp.Upstream;

namespace WebApp.Composition;

/// <summary>Answers a program whose request met an exception; a person gets the error page.</summary>
internal sealed class ProgramExceptionHandler : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(
        HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (!httpContext.Request.IsProgram())
        {
            return false;
        }

        if (exception.IsDatabaseAway() || exception is UpstreamAwayException)
        {
            await SessionAnswers.UnavailableAsync(httpContext);
        }
        else
        {
            await Results.Problem(statusCode: StatusCodes.Status500InternalServerError).ExecuteAsync(httpContext);
        }

        return true;
    }
}
