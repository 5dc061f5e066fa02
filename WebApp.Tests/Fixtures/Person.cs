using System.Net;
using System.Net.Sockets;
using AngleSharp.Html.Parser;

namespace WebApp.Tests.Fixtures;

/// <summary>
/// A virtual person, who behaves as a browser does: one cookie jar for all tabs in which the Set-Cookie that arrives last wins,
/// loads that are aborted, several at once, and forms. What happens is written into a <see cref="Journal"/>.
/// </summary>
internal sealed class Person(string name, HttpClient client, Journal journal, TimeProvider time)
{
    public const string Password = "Correct-Horse-1";

    private const string LoginPath = "/login";

    private readonly Dictionary<string, string> jar = [];

    public string Name { get; } = name;

    /// <summary>The pair that the jar holds.</summary>
    public CookiePair Pair
    {
        get
        {
            lock (jar)
            {
                return new CookiePair(jar.GetValueOrDefault("access_token"), jar.GetValueOrDefault("refresh_token"));
            }
        }

        set
        {
            lock (jar)
            {
                Put("access_token", value.Access);
                Put("refresh_token", value.Refresh);
            }
        }
    }

    /// <summary>Another device, or another browser that has not heard the news, with what is in this one's jar.</summary>
    /// <param name="other">Through another way into the site, if not the same.</param>
    public Person Twin(HttpClient? other = null) => new(Name, other ?? client, journal, time) { Pair = Pair };

    /// <summary>Lets the access token end, as far as the site can tell: what is left asks for a refresh.</summary>
    public void DropAccessToken() => Pair = Pair.WithoutAccess();

    /// <summary>Signs in by the form. Nothing is written into the journal.</summary>
    public async Task SignInAsync()
    {
        using var page = await SendAsync(HttpMethod.Get, LoginPath, null, CancellationToken.None);
        using var answer = await SendAsync(
            HttpMethod.Post,
            LoginPath,
            Form(await page.Content.ReadAsStringAsync(), ("Input.UserName", Name), ("Input.Password", Password)),
            CancellationToken.None);
        if (Pair.Access is null)
        {
            throw new InvalidOperationException($"{Name} could not sign in: {(int)answer.StatusCode}");
        }
    }

    /// <summary>Opens a page in a tab.</summary>
    public Task<Answer> LoadAsync(string path = "/notes", CancellationToken aborted = default) =>
        AskAsync(HttpMethod.Get, path, null, aborted);

    /// <summary>Opens a page in several tabs at once.</summary>
    public Task<Answer[]> LoadAsync(int tabs, string path = "/notes") =>
        Task.WhenAll(Enumerable.Range(0, tabs).Select(_ => Task.Run(() => LoadAsync(path))));

    /// <summary>What a script of the page asks for.</summary>
    public Task<Answer> FetchAsync() => AskAsync(HttpMethod.Get, "/api/me", null, CancellationToken.None);

    /// <summary>Opens the notes and adds one. The answer of the form, or of the page if there was none.</summary>
    public async Task<Answer> AddNoteAsync(string text)
    {
        var page = await LoadAsync();
        return page.Status == HttpStatusCode.OK
            ? await AskAsync(HttpMethod.Post, "/notes", Form(page.Body, ("Input.Text", text)), CancellationToken.None)
            : page;
    }

    /// <summary>Signs out by the form. The answer of the form, or of its page if there was none.</summary>
    public async Task<Answer> SignOutAsync()
    {
        const string Path = "/logout";
        var page = await LoadAsync(Path);
        return page.Status == HttpStatusCode.OK
            ? await AskAsync(HttpMethod.Post, Path, Form(page.Body), CancellationToken.None)
            : page;
    }

    private static FormUrlEncodedContent Form(string html, params (string Name, string Value)[] fields)
    {
        using var page = new HtmlParser().ParseDocument(html);
        var token = page.QuerySelector("main form input[name=__RequestVerificationToken]")?.GetAttribute("value")
            ?? throw new InvalidOperationException($"The page has no form: {page.Body?.TextContent}");
        return new FormUrlEncodedContent([
            .. fields.Select(field => KeyValuePair.Create(field.Name, field.Value)),
            KeyValuePair.Create("__RequestVerificationToken", token)]);
    }

    private async Task<Answer> AskAsync(HttpMethod method, string path, HttpContent? content, CancellationToken aborted)
    {
        var asked = time.GetTimestamp();
        var answer = await AnswerAsync(method, path, content, aborted);
        journal.Write(Name, path, answer, asked, time.GetTimestamp());
        return answer;
    }

    private async Task<Answer> AnswerAsync(HttpMethod method, string path, HttpContent? content, CancellationToken aborted)
    {
        try
        {
            using var response = await SendAsync(method, path, content, aborted);
            return new Answer(
                response.StatusCode,
                response.Headers.Location?.OriginalString,
                response.NewPair(),
                response.TouchesTokens(),
                response.Headers.TryGetValues("Server-Timing", out var timings) ? string.Join(' ', timings) : "",
                await response.Content.ReadAsStringAsync(aborted))
            {
                RetryAfter = response.Headers.RetryAfter?.Delta,
            };
        }
        // HttpClient lets a SocketException through when a connection is reset in the moment in which it was made.
        catch (Exception lost) when (lost is HttpRequestException or IOException or SocketException or OperationCanceledException)
        {
            return Answer.Lost(lost.Message);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content, CancellationToken aborted)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        request.Headers.TryAddWithoutValidation("Sec-Fetch-Mode", path.StartsWith("/api/", StringComparison.Ordinal) ? "cors" : "navigate");
        lock (jar)
        {
            if (jar.Count > 0)
            {
                request.Headers.TryAddWithoutValidation("Cookie", string.Join("; ", jar.Select(cookie => $"{cookie.Key}={cookie.Value}")));
            }
        }

        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, aborted);

        // As soon as the headers are here, whatever becomes of the rest.
        lock (jar)
        {
            foreach (var cookie in response.SetCookies().Where(cookie => cookie.Path == "/"))
            {
                Put(cookie.Name.ToString(), cookie.MaxAge == TimeSpan.Zero ? null : Uri.UnescapeDataString(cookie.Value.ToString()));
            }
        }

        return response;
    }

    private void Put(string cookie, string? value)
    {
        if (value is null)
        {
            jar.Remove(cookie);
        }
        else
        {
            jar[cookie] = value;
        }
    }
}

/// <summary>What came back for one request of a person.</summary>
/// <param name="Status">Null if nothing came back.</param>
/// <param name="Timing">The header <c>Server-Timing</c>, which says whether the request rotated or was replayed.</param>
internal sealed record Answer(
    HttpStatusCode? Status, string? Location, CookiePair? Pair, bool TouchesTokens, string Timing, string Body)
{
    /// <summary>When the site advises to ask again.</summary>
    public TimeSpan? RetryAfter { get; init; }

    public bool Rotated => Timing.Contains("rotated", StringComparison.Ordinal);

    public bool Replayed => Timing.Contains("replayed", StringComparison.Ordinal);

    /// <summary>Whether a person who is signed in is told otherwise, or loses a cookie.</summary>
    public bool SignsOut =>
        Status == HttpStatusCode.Unauthorized
        || Location?.StartsWith("/login", StringComparison.Ordinal) == true
        || (TouchesTokens && string.IsNullOrEmpty(Pair?.Access));

    /// <summary>Nothing came back: the load was aborted, the connection was cut, or a balancer found no node.</summary>
    public bool IsLost => Status is null or HttpStatusCode.BadGateway or HttpStatusCode.GatewayTimeout;

    public static Answer Lost(string message) => new(null, null, null, false, "", message);
}
