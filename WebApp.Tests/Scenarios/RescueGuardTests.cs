using System.Net;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using Xunit;
using static WebApp.Tests.Fixtures.KeptNote;

namespace WebApp.Tests.Scenarios;

/// <summary>Scenario 50: a kept form is for its sender at the browser that sent it, and for nobody else.</summary>
public sealed class RescueGuardTests
{
    [Theory]
    [InlineData("/account", true)]
    [InlineData("/notes?other=1", true)]
    [InlineData("/notes", false)]
    public async Task A_confirmation_that_is_meant_for_another_page_or_has_no_token_sends_nothing(string to, bool token)
    {
        await using var site = Site.Start();
        using var ada = await OfferedAsync(site);
        var fields = Fields(ada);
        if (!token)
        {
            fields.Remove("__RequestVerificationToken");
        }

        using var answer = await ada.SendAsync(HttpMethod.Post, to, new FormUrlEncodedContent(fields), CancellationToken.None);

        Assert.StartsWith("/kept/", answer.Headers.Location!.OriginalString, StringComparison.Ordinal);
        Assert.Equal((0, 1), (await CountAsync(site), await site.InDatabaseAsync(db => db.KeptForms.CountAsync())));
    }

    [Fact]
    public async Task Somebody_else_cannot_discard_it()
    {
        await using var site = Site.Start();
        using var ada = await OfferedAsync(site);
        var kept = new Uri(ada.Page.Url).AbsolutePath;
        using var bob = await Visitor.SignedInAsync(site, "bob");
        await bob.OpenAsync("/notes");
        var token = Fields(bob, NoteForm);

        using var answer = await bob.SendAsync(HttpMethod.Post, $"{kept}?handler=Discard", new FormUrlEncodedContent(token), CancellationToken.None);

        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        Assert.Equal(1, await site.InDatabaseAsync(db => db.KeptForms.CountAsync()));
    }

    [Fact]
    public async Task A_browser_whose_secret_is_none_of_ours_is_given_one()
    {
        await using var site = Site.Start();
        using var ada = await Visitor.SignedInAsync(site);
        await EndAllAsync(site);
        Dictionary<string, string> fields = new() { ["Input.Text"] = Text };

        using var answer = await ada.SendAsync(
            HttpMethod.Post, "/notes", new FormUrlEncodedContent(fields), CancellationToken.None, ("Cookie", "kept_forms=AA"));

        var given = Assert.Single(answer.Headers.GetValues("Set-Cookie"), each => each.StartsWith("kept_forms=", StringComparison.Ordinal));
        Assert.Equal(43, given.Split(';')[0]["kept_forms=".Length..].Length);
    }

    [Fact]
    public async Task Somebody_else_who_signs_in_is_never_shown_it_and_it_is_discarded()
    {
        await using var site = Site.Start();
        using var browser = await TypedAsync(site);
        await browser.SubmitAsync(SignInForm, ("Input.UserName", "bob"), ("Input.Password", "Correct-Horse-2"));

        Assert.StartsWith("/kept/", new Uri(browser.Page.Url).AbsolutePath, StringComparison.Ordinal);
        Assert.DoesNotContain("thoughts", browser.Page.Source.Text, StringComparison.Ordinal);
        Assert.Equal(0, await site.InDatabaseAsync(db => db.KeptForms.CountAsync()));
    }

    [Fact]
    public async Task Another_browser_of_the_same_person_is_not_shown_it()
    {
        await using var site = Site.Start();
        using var ada = await TypedAsync(site);
        var form = await site.InDatabaseAsync(db => db.KeptForms.SingleAsync());
        using var elsewhere = await Visitor.SignedInAsync(site);

        await elsewhere.OpenAsync($"/kept/{form.Id}");

        Assert.Contains("Nothing is kept here", elsewhere.Page.Body!.TextContent, StringComparison.Ordinal);
        Assert.Equal(1, await site.InDatabaseAsync(db => db.KeptForms.CountAsync()));
    }

    [Fact]
    public async Task What_is_kept_cannot_be_read_in_the_database()
    {
        await using var site = Site.Start();
        using var ada = await TypedAsync(site);

        var form = await site.InDatabaseAsync(db => db.KeptForms.SingleAsync());

        Assert.DoesNotContain("thoughts", Encoding.UTF8.GetString(form.Content), StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToBase64String(Encoding.UTF8.GetBytes("thoughts"))[..8], Encoding.UTF8.GetString(form.Content), StringComparison.Ordinal);
        Assert.Equal(32, form.Browser.Length);
    }

    [Fact]
    public async Task Whoever_shows_no_genuine_token_has_nothing_kept()
    {
        await using var site = Site.Start();
        using var nobody = new Visitor(site);
        Dictionary<string, string> fields = new() { ["Input.Text"] = Text };

        using var answer = await nobody.SendAsync(HttpMethod.Post, "/notes", new FormUrlEncodedContent(fields), CancellationToken.None);
        nobody.Pair = new CookiePair("forged", "forged");
        using var forged = await nobody.SendAsync(HttpMethod.Post, "/notes", new FormUrlEncodedContent(fields), CancellationToken.None);

        Assert.True(answer.AsksToSignIn());
        Assert.True(forged.AsksToSignIn("invalid"));
        Assert.Equal(0, await site.InDatabaseAsync(db => db.KeptForms.CountAsync()));
    }

    /// <summary>More fields than a page takes, and a name of a kept form that would break the answer's head.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_cannot_be_read_as_a_confirmation_is_left_to_its_page(bool signedIn)
    {
        await using var site = Site.Start();
        using var ada = await OfferedAsync(site);
        if (!signedIn)
        {
            await EndAllAsync(site);
        }

        foreach (var body in (string[])[string.Concat(Enumerable.Repeat("a&", 2000)), "__kept_form=x%0D%0Ay", "__kept_form=%E4%BD%A0"])
        {
            using var content = new StringContent(body, Encoding.UTF8, "application/x-www-form-urlencoded");
            using var answer = await ada.SendAsync(HttpMethod.Post, "/notes", content, CancellationToken.None, ("Accept", "text/html"));

            Assert.Equal(signedIn ? HttpStatusCode.BadRequest : HttpStatusCode.Redirect, answer.StatusCode);
        }

        Assert.Equal(0, await CountAsync(site));
    }

    [Fact]
    public async Task A_form_with_a_password_is_not_kept()
    {
        await using var site = Site.Start();
        using var ada = await Visitor.SignedInAsync(site);
        await ada.OpenAsync("/account/password");
        await EndAllAsync(site);

        await ada.SubmitAsync(SignInForm, ("Input.Current", "Correct-Horse-1"), ("Input.Next", "something-new"), ("Input.Again", "something-new"));

        Assert.StartsWith("/login?reason=revoked&returnUrl=%2Faccount%2Fpassword", new Uri(ada.Page.Url).PathAndQuery, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(0, await site.InDatabaseAsync(db => db.KeptForms.CountAsync()));
    }

    /// <summary>It may end between a look at it and the statement that takes it.</summary>
    [Fact]
    public async Task A_form_that_has_just_ended_is_not_taken()
    {
        await using var site = Site.Start();
        using var ada = await TypedAsync(site);
        var form = await site.InDatabaseAsync(db => db.KeptForms.AsNoTracking().SingleAsync());
        site.Leap(KeptForms.Lifetime);

        Assert.False(await site.Services.GetRequiredService<KeptForms>().TryTakeAsync(form.Id, sentBefore: null));
    }
}
