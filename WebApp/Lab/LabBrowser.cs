using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Net.Http.Headers;

namespace WebApp.Lab;

/// <summary>One browser: tabs that share a cookie jar, in which the pair that arrives last wins.</summary>
internal sealed partial class LabBrowser : IDisposable
{
    /// <summary>Far beyond the time in which the site answers: a refresh has an end of its own.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TimeProvider time;
    private readonly HttpClient client;
    private readonly long began;
    private volatile LabPair pair;

    public LabBrowser(ILabGround ground, TimeProvider time)
    {
        this.time = time;
        pair = ground.Pair;
        var isOwn = ground.Nodes.All(node => node.IsOwn);
        client = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            SslOptions =
            {
                // The certificate of this process is made out to the name that people know it by, and not to its own address.
                RemoteCertificateValidationCallback = (_, _, _, errors) => isOwn || errors == SslPolicyErrors.None,
            },
        })
        {
            Timeout = Patience,
        };
        client.DefaultRequestHeaders.TryAddWithoutValidation(HeaderNames.UserAgent, "WebApp-Lab");
        client.DefaultRequestHeaders.TryAddWithoutValidation(HeaderNames.Accept, "application/json");
        began = time.GetTimestamp();
    }

    /// <summary>What the jar holds now.</summary>
    public LabPair Pair => pair;

    /// <summary>Loads the page of a tab.</summary>
    /// <param name="load">Which request of which tab, and to which node.</param>
    /// <param name="presented">What it presents.</param>
    /// <param name="isLost">Whether its answer, once it is here, is to be as if it had never come.</param>
    public async Task<LabAnswer> LoadAsync(LabLoad load, LabPair presented, bool isLost, CancellationToken stopping)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, load.Node.Address);
        request.Headers.TryAddWithoutValidation(HeaderNames.Cookie, presented.Header(load.Node.CookiePrefix));
        if (load.Node.IsProxied)
        {
            request.Headers.TryAddWithoutValidation("X-Forwarded-Proto", Uri.UriSchemeHttps);
        }

        var answer = new LabAnswer(load.Number, load.Tab, load.NodeNumber, Now(), 0, 0, LabOutcome.Failed, Lost: isLost);
        try
        {
            using var response = await client.SendAsync(request, stopping);
            answer = answer with { Ended = Now() };
            var set = LabPair.Of(response, load.Node.CookiePrefix);
            if (set is not null && !isLost)
            {
                pair = set;
            }

            return await ReadAsync(answer with { Status = (int)response.StatusCode, Generation = set?.Generation }, response);
        }
        catch (Exception fault) when (fault is HttpRequestException || (fault is OperationCanceledException && !stopping.IsCancellationRequested))
        {
            // The picture shows a request without an answer.
            return answer with { Ended = Now() };
        }
    }

    public void Dispose() => client.Dispose();

    private static async Task<LabAnswer> ReadAsync(LabAnswer answer, HttpResponseMessage response)
    {
        switch (response.StatusCode)
        {
            case HttpStatusCode.OK:
                var timing = response.Headers.TryGetValues("Server-Timing", out var timings) ? Timing().Match(string.Join(',', timings)) : Match.Empty;
                return answer with
                {
                    Outcome = timing.Groups[1].Value switch
                    {
                        "rotated" => LabOutcome.Rotated,
                        "replayed" => LabOutcome.Replayed,
                        _ => LabOutcome.Valid,
                    },
                    Refresh = timing.Success ? double.Parse(timing.Groups[2].ValueSpan, CultureInfo.InvariantCulture) : 0,
                };
            case HttpStatusCode.Unauthorized:
                return answer with { Outcome = LabOutcome.Refused, Reason = ReasonIn(await response.Content.ReadAsStringAsync()) };
            case HttpStatusCode.ServiceUnavailable:
                return answer with { Outcome = LabOutcome.Unavailable };
            default:
                return answer;
        }
    }

    private static string? ReasonIn(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.TryGetProperty("reason", out var reason) ? reason.GetString() : null;
        }
        catch (JsonException)
        {
            // Refused by something in between, without a reason.
            return null;
        }
    }

    private double Now() => time.GetElapsedTime(began).TotalMilliseconds;

    [GeneratedRegex("""refresh;desc="(\w+)";dur=([0-9.]+)""")]
    private static partial Regex Timing();
}

/// <summary>One load of a tab. All numbers from 0.</summary>
internal readonly record struct LabLoad(int Number, int Tab, int NodeNumber, LabNode Node);
