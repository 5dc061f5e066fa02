using System.Net;
using AngleSharp;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using AngleSharp.Io.Network;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using WebApp.Coordination;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Tests.Fixtures;

/// <summary>
/// A person at a browser: a cookie jar in which the last Set-Cookie wins, plain requests, and pages that are read and filled in
/// through AngleSharp.
/// </summary>
internal sealed class Visitor : IDisposable
{
    private readonly Uri address;
    private readonly Site? site;
    private readonly CookieContainer jar = new();
    private readonly HttpClient client;
    private readonly IBrowsingContext browser;

    public Visitor(Site site)
        : this(site.Address) => this.site = site;

    /// <summary>Somebody at a site in another process.</summary>
    public Visitor(Uri address)
    {
        this.address = address;
        client = new HttpClient(new SocketsHttpHandler
        {
            CookieContainer = jar,
            AllowAutoRedirect = false,
            MaxConnectionsPerServer = 400,

            // A site that is busy must not be sent a body that it is about to refuse.
            Expect100ContinueTimeout = TimeSpan.FromSeconds(30),
        })
        {
            BaseAddress = address,
        };
        browser = BrowsingContext.New(AngleSharp.Configuration.Default.With(new HttpClientRequester(client)).WithDefaultLoader());
    }

    /// <summary>The pair that the jar holds. Setting it is what a restored or stolen jar does.</summary>
    public CookiePair Pair
    {
        get => new(jar.GetCookies(address)["access_token"]?.Value, jar.GetCookies(address)["refresh_token"]?.Value);
        set
        {
            Put("access_token", value.Access);
            Put("refresh_token", value.Refresh);
        }
    }

    /// <summary>The languages that the browser asks for, as in Accept-Language.</summary>
    public string Languages
    {
        init => client.DefaultRequestHeaders.TryAddWithoutValidation("Accept-Language", value);
    }

    public IDocument Page => browser.Active ?? throw new InvalidOperationException("No page is open.");

    /// <summary>Somebody who has signed in, without the pages for it.</summary>
    public static async Task<Visitor> SignedInAsync(Site site, string userName = "ada", bool remember = false)
    {
        var account = await site.InDatabaseAsync(db => db.Users.SingleAsync(user => user.UserName == userName));
        var opened = await site.Services.GetRequiredService<SessionLifecycle>().OpenAsync(
            new AccountProof(new UserId(account.Id), account.SecurityStamp!),
            new ClientInfo("a test", "127.0.0.1"),
            SessionTransport.Cookie,
            remember,
            CancellationToken.None);
        return new Visitor(site) { Pair = new CookiePair(opened!.AccessToken, opened.RefreshToken) };
    }

    /// <summary>Loses cookies whose names begin so, as a browser does that is closed.</summary>
    public void Lose(string prefix)
    {
        foreach (Cookie cookie in jar.GetCookies(address))
        {
            cookie.Expired |= cookie.Name.StartsWith(prefix, StringComparison.Ordinal);
        }
    }

    /// <summary>A second jar with the same pair: another tab that has not heard the news, or a thief.</summary>
    public Visitor Twin() => site is null ? MoveTo(address) : MoveTo(site);

    /// <summary>The same person at the same browser, at another node or after a restart.</summary>
    public Visitor MoveTo(Site other) => new(other) { Pair = Pair };

    public Visitor MoveTo(Uri other) => new(other) { Pair = Pair };

    public Task<HttpResponseMessage> GetAsync(string path, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Get, path, headers);

    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, params (string Name, string Value)[] headers) =>
        SendAsync(method, path, null, CancellationToken.None, headers);

    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, HttpContent? content, CancellationToken aborted, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await client.SendAsync(request, aborted);
    }

    /// <summary>Uses the pair that the jar holds, and waits until the site has written down that it was seen.</summary>
    public async Task ProveReceiptAsync()
    {
        var seen = site!.Database.NextAsync(DatabaseProbe.Seen);
        using var answer = await GetAsync("/api/me");
        answer.EnsureSuccessStatusCode();
        await seen;
    }

    public Task<HttpResponseMessage> AbortedAsync(string path, CancellationToken aborted) =>
        SendAsync(HttpMethod.Get, path, null, aborted);

    /// <summary>Signs in as a person does.</summary>
    public async Task SignInAsync(string userName = "ada", string password = "Correct-Horse-1")
    {
        await OpenAsync("/login");
        await SubmitAsync("main form", ("Input.UserName", userName), ("Input.Password", password));
        if (Pair.Access is null)
        {
            throw new InvalidOperationException($"{userName} could not sign in: {Page.Url}\n{Page.Body?.TextContent}");
        }
    }

    /// <summary>Opens a page and follows redirects, as a browser does.</summary>
    public Task<IDocument> OpenAsync(string path) => browser.OpenAsync(new Uri(address, path).ToString());

    /// <summary>Fills in the form of the open page that holds the named fields, and sends it.</summary>
    public async Task<IDocument> SubmitAsync(string formSelector, params (string Name, string Value)[] fields)
    {
        var form = Page.QuerySelector<IHtmlFormElement>(formSelector)
            ?? throw new InvalidOperationException($"There is no form '{formSelector}' on {Page.Url}:\n{Page.Body?.TextContent}");
        return await form.SubmitAsync(fields.ToDictionary(field => field.Name, field => field.Value));
    }

    public void Dispose()
    {
        browser.Dispose();
        client.Dispose();
    }

    private void Put(string name, string? value)
    {
        foreach (Cookie cookie in jar.GetCookies(address))
        {
            cookie.Expired |= cookie.Name == name;
        }

        if (value is not null)
        {
            jar.Add(address, new Cookie(name, value, "/"));
        }
    }
}
