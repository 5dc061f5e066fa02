using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Playwright;
using WebApp.Tests.Fixtures;

namespace WebApp.Tests.Browser;

/// <summary>
/// A person at a tab of Chromium, whose machine has an authenticator that knows them (WebAuthn domain of the DevTools protocol).
/// </summary>
internal sealed class PasskeyPerson : IAsyncDisposable
{
    private readonly IBrowserContext context;
    private readonly ICDPSession devTools;
    private readonly string authenticator;
    private readonly ConcurrentQueue<string> complaints = new();

    private PasskeyPerson(IBrowserContext context, IPage page, ICDPSession devTools, string authenticator)
    {
        this.context = context;
        this.devTools = devTools;
        this.authenticator = authenticator;
        Page = page;
        page.Console += (_, message) =>
        {
            if (message.Type == "error")
            {
                complaints.Enqueue(message.Text);
            }
        };
        page.PageError += (_, error) => complaints.Enqueue(error);
    }

    public IPage Page { get; }

    /// <summary>What the console shows as errors, and what no script has caught.</summary>
    public IReadOnlyCollection<string> Complaints => complaints;

    public static async Task<PasskeyPerson> OpenAsync(Chromium chromium, string address)
    {
        var context = await chromium.ContextAsync(new() { BaseURL = address });
        var page = await context.NewPageAsync();
        var devTools = await context.NewCDPSessionAsync(page);
        await devTools.SendAsync("WebAuthn.enable");
        var added = await devTools.SendAsync("WebAuthn.addVirtualAuthenticator", new Dictionary<string, object>
        {
            ["options"] = new Dictionary<string, object>
            {
                ["protocol"] = "ctap2",
                ["transport"] = "internal",
                ["hasResidentKey"] = true,
                ["hasUserVerification"] = true,
                ["isUserVerified"] = true,
            },
        });
        return new PasskeyPerson(context, page, devTools, added!.Value.GetProperty("authenticatorId").GetString()!);
    }

    /// <summary>How many passkeys the authenticator holds.</summary>
    public async Task<int> CredentialsAsync()
    {
        var found = await SendAsync("WebAuthn.getCredentials");
        return found!.Value.GetProperty("credentials").GetArrayLength();
    }

    /// <summary>Whether the authenticator finds that it is this person.</summary>
    public Task VerifiesAsync(bool does) => SendAsync("WebAuthn.setUserVerified", ("isUserVerified", does));

    /// <summary>Another day: the browser was closed, and nobody is signed in.</summary>
    public Task ForgetCookiesAsync() => context.ClearCookiesAsync();

    public async Task<BrowserContextCookiesResult> CookieAsync(string name) =>
        (await context.CookiesAsync()).Single(cookie => cookie.Name == name);

    public async ValueTask DisposeAsync() => await context.DisposeAsync();

    private Task<JsonElement?> SendAsync(string method, params (string Name, object Value)[] more)
    {
        var arguments = more.ToDictionary(each => each.Name, each => each.Value);
        arguments["authenticatorId"] = authenticator;
        return devTools.SendAsync(method, arguments).InTime();
    }
}
