using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using WebApp.Accounts;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Pages;

/// <summary>What the site itself has against a passkey with which Identity's handler finds nothing wrong.</summary>
public sealed class PasskeyGuardTests
{
    private const string Mine = "/account/passkeys";

    private readonly Trusting handler = new();

    [Fact]
    public async Task An_account_can_have_twenty_passkeys_and_the_page_then_says_what_to_do()
    {
        await using var site = Start();
        using var ada = await Visitor.SignedInAsync(site);
        for (var passkey = 0; passkey < Passkeys.Most; passkey++)
        {
            Assert.StartsWith(Mine + "?added=", await AddAsync(ada), StringComparison.Ordinal);
        }

        await ada.OpenAsync(Mine);
        Assert.Contains("the most that an account can have", ada.Page.Body!.TextContent, StringComparison.Ordinal);
        Assert.Null(ada.Page.QuerySelector("form[data-passkey=add]"));

        // Its form may stand open in another tab.
        Assert.Null(await AddAsync(ada));
        Assert.Equal(Passkeys.Most, await CountAsync(site));
    }

    [Fact]
    public async Task A_passkey_of_a_locked_account_signs_nobody_in()
    {
        await using var site = Start();
        using (var ada = await Visitor.SignedInAsync(site))
        {
            Assert.NotNull(await AddAsync(ada));
        }

        using var browser = new Visitor(site);
        await SetLockoutAsync(site, DateTimeOffset.MaxValue);
        Assert.Null(await UseAsync(browser));
        Assert.Null(browser.Pair.Access);

        await SetLockoutAsync(site, null);
        Assert.Equal("/notes", await UseAsync(browser));
        Assert.NotNull(browser.Pair.Access);
    }

    [Fact]
    public async Task An_answer_that_another_account_has_asked_for_in_the_same_browser_adds_nothing()
    {
        await using var site = Start();
        using var browser = await Visitor.SignedInAsync(site, "ada");
        using var bob = await Visitor.SignedInAsync(site, "bob");
        await BeginAsync(browser, "Correct-Horse-1");
        browser.Pair = bob.Pair;
        handler.Owner = "bob";

        Assert.Null(await EndAsync(browser));
        Assert.Equal(0, await CountAsync(site));

        await BeginAsync(browser, "Correct-Horse-2");
        Assert.NotNull(await EndAsync(browser));
        Assert.Equal(1, await CountAsync(site));
    }

    [Fact]
    public async Task A_passkey_that_was_made_for_another_account_is_not_added()
    {
        await using var site = Start();
        using var bob = await Visitor.SignedInAsync(site, "bob");
        await BeginAsync(bob, "Correct-Horse-2");
        handler.Owner = "ada";

        Assert.Null(await EndAsync(bob));
        Assert.Equal(0, await CountAsync(site));
    }

    private Site Start() => Site.Start(services => services.AddSingleton<IPasskeyHandler<Account>>(handler));

    private static Task<int> CountAsync(Site site) => site.InDatabaseAsync(db => db.Set<IdentityUserPasskey<string>>().CountAsync());

    private static Task<int> SetLockoutAsync(Site site, DateTimeOffset? end) => site.InDatabaseAsync(db => db.Users
        .Where(account => account.UserName == "ada")
        .ExecuteUpdateAsync(account => account.SetProperty(each => each.LockoutEnd, end)));

    private static async Task<string?> AddAsync(Visitor ada)
    {
        await BeginAsync(ada, "Correct-Horse-1");
        return await EndAsync(ada);
    }

    private static async Task BeginAsync(Visitor owner, string password)
    {
        using var answer = await PostAsync(owner, Mine, "?handler=Options", ("password", password));
        Assert.True((await answer.JsonAsync()).TryGetProperty("options", out _));
    }

    /// <summary>Where the site leads to once the passkey is added; null if it is not.</summary>
    private static async Task<string?> EndAsync(Visitor owner)
    {
        using var answer = await PostAsync(owner, Mine, "?handler=Add", ("name", "Mine"));
        return answer.Headers.Location?.OriginalString;
    }

    private static async Task<string?> UseAsync(Visitor browser)
    {
        using var begun = await PostAsync(browser, "/login", "/passkey?handler=Options");
        using var answer = await PostAsync(browser, "/login", "/passkey");
        return answer.Headers.Location?.OriginalString;
    }

    /// <summary>Posts with the antiforgery token of a page.</summary>
    private static async Task<HttpResponseMessage> PostAsync(Visitor browser, string page, string handler, params (string, string)[] fields)
    {
        await browser.OpenAsync(page);
        var token = browser.Page.QuerySelector("main [name=__RequestVerificationToken]")!.GetAttribute("value")!;
        using var form = new FormUrlEncodedContent(
            [new("__RequestVerificationToken", token), .. fields.Select(field => KeyValuePair.Create(field.Item1, field.Item2))]);
        return await browser.SendAsync(HttpMethod.Post, page + handler, form, CancellationToken.None);
    }

    /// <summary>Finds every answer of an authenticator good, whatever it says.</summary>
    private sealed class Trusting : IPasskeyHandler<Account>
    {
        private int passkeys;

        /// <summary>Whose passkey the authenticator has made, or used.</summary>
        public string Owner { get; set; } = "ada";

        public Task<PasskeyCreationOptionsResult> MakeCreationOptionsAsync(PasskeyUserEntity userEntity, HttpContext httpContext) =>
            Task.FromResult(new PasskeyCreationOptionsResult { CreationOptionsJson = "{}", AttestationState = "state" });

        public Task<PasskeyRequestOptionsResult> MakeRequestOptionsAsync(Account? user, HttpContext httpContext) =>
            Task.FromResult(new PasskeyRequestOptionsResult { RequestOptionsJson = "{}", AssertionState = "state" });

        public async Task<PasskeyAttestationResult> PerformAttestationAsync(PasskeyAttestationContext context)
        {
            var account = await FindAsync(context.HttpContext);
            return PasskeyAttestationResult.Success(
                Passkey($"passkey {Interlocked.Increment(ref passkeys)}"),
                new PasskeyUserEntity { Id = account.Id, Name = Owner, DisplayName = Owner });
        }

        public async Task<PasskeyAssertionResult<Account>> PerformAssertionAsync(PasskeyAssertionContext context) =>
            PasskeyAssertionResult.Success(Passkey("passkey 1"), await FindAsync(context.HttpContext));

        private async Task<Account> FindAsync(HttpContext context) =>
            (await context.RequestServices.GetRequiredService<UserManager<Account>>().FindByNameAsync(Owner))!;

        private static UserPasskeyInfo Passkey(string id) => new(
            Encoding.UTF8.GetBytes(id), [1], DateTimeOffset.UnixEpoch, 0, [], isUserVerified: true, isBackupEligible: false, isBackedUp: false, [1], [1]);
    }
}
