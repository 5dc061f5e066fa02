using System.Net;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using WebApp.Sessions;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Scenarios;

/// <summary>Scenario 50: a form that meets a dead session is kept, offered to the same person, and sent once.</summary>
public sealed class RescueTests
{
    private const string NoteForm = "form:has([name='Input.Text'])";
    private const string SignInForm = "main form";
    private const string SendForm = "form:has([name='__kept_form'])";
    private const string Text = "An hour of thoughts, with ünïcode & <b>markup</b>";

    [Fact]
    public async Task A_note_whose_session_was_ended_meanwhile_is_there_after_signing_in_again_and_saved_once()
    {
        await using var site = Site.Start();
        using var ada = await TypedAsync(site);

        Assert.StartsWith("/login", new Uri(ada.Page.Url).PathAndQuery, StringComparison.Ordinal);
        Assert.Contains("What you sent is not lost", ada.Page.Body!.TextContent, StringComparison.Ordinal);
        await ada.SubmitAsync(SignInForm, ("Input.UserName", "ada"), ("Input.Password", "Correct-Horse-1"));
        Assert.StartsWith("/kept/", new Uri(ada.Page.Url).AbsolutePath, StringComparison.Ordinal);
        Assert.Contains(Text, ada.Page.Body!.TextContent, StringComparison.Ordinal);
        Assert.Equal(0, await CountAsync(site));
        await ada.SubmitAsync(SendForm);

        Assert.Equal("/notes", new Uri(ada.Page.Url).AbsolutePath);
        Assert.Equal(Text, (await site.InDatabaseAsync(db => db.Notes.SingleAsync())).Text);
        Assert.Equal(0, await site.InDatabaseAsync(db => db.KeptForms.CountAsync()));
    }

    [Fact]
    public async Task Sent_twice_at_once_it_runs_once()
    {
        await using var site = Site.Start();
        using var ada = await OfferedAsync(site);
        var fields = Fields(ada);

        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ =>
            ada.SendAsync(HttpMethod.Post, "/notes", new FormUrlEncodedContent(fields), CancellationToken.None)));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode));
        Assert.Equal(1, await CountAsync(site));
        using var late = await ada.SendAsync(HttpMethod.Post, "/notes", new FormUrlEncodedContent(fields), CancellationToken.None);
        Assert.StartsWith("/kept/", late.Headers.Location!.OriginalString, StringComparison.Ordinal);
        Assert.Equal(1, await CountAsync(site));
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
    public async Task After_a_day_it_is_gone()
    {
        await using var site = Site.Start();
        using var ada = await OfferedAsync(site);
        var kept = ada.Page.Url;
        var fields = Fields(ada);
        site.Leap(KeptForms.Lifetime);

        await ada.OpenAsync(kept);
        Assert.Contains("Nothing is kept here", ada.Page.Body!.TextContent, StringComparison.Ordinal);
        using var late = await ada.SendAsync(HttpMethod.Post, "/notes", new FormUrlEncodedContent(fields), CancellationToken.None);
        Assert.Equal(0, await CountAsync(site));
        await site.Services.GetServices<Microsoft.Extensions.Hosting.IHostedService>().OfType<RecordSweeper>().Single()
            .SweepAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, await site.InDatabaseAsync(db => db.KeptForms.CountAsync()));
    }

    [Fact]
    public async Task Its_sender_may_discard_it()
    {
        await using var site = Site.Start();
        using var ada = await OfferedAsync(site);

        await ada.SubmitAsync("form[action*='Discard' i]");

        Assert.Equal("/notes", new Uri(ada.Page.Url).AbsolutePath);
        Assert.Equal((0, 0), (await CountAsync(site), await site.InDatabaseAsync(db => db.KeptForms.CountAsync())));
    }

    [Fact]
    public async Task A_session_that_ends_again_between_looking_and_sending_costs_nothing()
    {
        await using var site = Site.Start();
        using var ada = await OfferedAsync(site);
        await EndAllAsync(site);

        await ada.SubmitAsync(SendForm);
        await ada.SubmitAsync(SignInForm, ("Input.UserName", "ada"), ("Input.Password", "Correct-Horse-1"));
        await ada.SubmitAsync(SendForm);

        Assert.Equal(Text, (await site.InDatabaseAsync(db => db.Notes.SingleAsync())).Text);
        Assert.Equal(0, await site.InDatabaseAsync(db => db.KeptForms.CountAsync()));
    }

    [Fact]
    public async Task An_error_while_it_is_sent_keeps_it_and_says_that_it_may_have_arrived()
    {
        await using var site = Site.Start();
        using var ada = await OfferedAsync(site);
        var kept = ada.Page.Url;
        site.Database.FailBefore("INSERT INTO \"Notes\"", times: 10);

        var failed = await ada.SubmitAsync(SendForm);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, failed.StatusCode);
        site.Database.FailBefore("INSERT INTO \"Notes\"", times: 0);
        await ada.OpenAsync(kept);
        Assert.Contains("left open whether it arrived", ada.Page.Body!.TextContent, StringComparison.Ordinal);
        await ada.SubmitAsync(SendForm);

        Assert.Equal(Text, (await site.InDatabaseAsync(db => db.Notes.SingleAsync())).Text);
    }

    [Fact]
    public async Task A_form_that_is_too_large_is_not_lost_and_its_sender_is_told_what_to_do_before_it_is()
    {
        await using var site = Site.Start();
        using var ada = await Visitor.SignedInAsync(site);
        await ada.OpenAsync("/notes");
        var fields = Fields(ada, NoteForm);
        await EndAllAsync(site);
        using var form = new MultipartFormDataContent
        {
            { new StringContent(fields["__RequestVerificationToken"]), "__RequestVerificationToken" },
            { new StringContent(Text), "Input.Text" },
            { new ByteArrayContent(new byte[FormKeeper.MaxBytes]), "file", "large.bin" },
        };

        using var answer = await ada.SendAsync(HttpMethod.Post, "/notes", form, CancellationToken.None, ("Accept", "text/html"));

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        Assert.Contains("your browser still has it", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.False(answer.TouchesTokens());
        Assert.Equal(0, await site.InDatabaseAsync(db => db.KeptForms.CountAsync()));
    }

    [Fact]
    public async Task Files_are_kept_with_the_form_byte_for_byte()
    {
        var received = new UploadProbe();
        await using var site = Site.Start(received.Add);
        using var ada = await Visitor.SignedInAsync(site);
        await ada.OpenAsync("/notes");
        var fields = Fields(ada, NoteForm);
        await EndAllAsync(site);
        var bytes = Enumerable.Range(0, 70_000).Select(each => (byte)each).ToArray();
        using var form = new MultipartFormDataContent
        {
            { new StringContent(fields["__RequestVerificationToken"]), "__RequestVerificationToken" },
            { new StringContent(Text), "Input.Text" },
            { new ByteArrayContent(bytes), "file", "café.bin" },
        };
        using var answer = await ada.SendAsync(HttpMethod.Post, "/notes", form, CancellationToken.None, ("Accept", "text/html"));

        await ada.OpenAsync(answer.Headers.Location!.OriginalString);
        await ada.SubmitAsync(SignInForm, ("Input.UserName", "ada"), ("Input.Password", "Correct-Horse-1"));
        Assert.Contains("café.bin", ada.Page.Body!.TextContent, StringComparison.Ordinal);
        await ada.SubmitAsync(SendForm);

        Assert.Equal(bytes, Assert.Single(received.Files));
        Assert.Equal(Text, (await site.InDatabaseAsync(db => db.Notes.SingleAsync())).Text);
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
    public async Task A_body_that_the_server_does_not_take_is_no_fault_of_the_site()
    {
        await using var site = Site.Start();
        using var ada = await Visitor.SignedInAsync(site);
        await EndAllAsync(site);
        using var form = new MultipartFormDataContent { { new ByteArrayContent(new byte[31_000_000]), "file", "huge.bin" } };

        using var answer = await ada.SendAsync(HttpMethod.Post, "/notes", form, CancellationToken.None, ("Accept", "text/html"), ("Expect", "100-continue"));

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
    }

    [Fact]
    public async Task Of_one_person_the_ten_newest_are_kept()
    {
        await using var site = Site.Start();
        using var ada = await Visitor.SignedInAsync(site);
        await EndAllAsync(site);
        for (var i = 0; i < KeptForms.MaxOfOnePerson + 2; i++)
        {
            Dictionary<string, string> fields = new() { ["Input.Text"] = $"note {i}" };
            using var answer = await ada.SendAsync(HttpMethod.Post, "/notes", new FormUrlEncodedContent(fields), CancellationToken.None);
            site.Time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(KeptForms.MaxOfOnePerson, await site.InDatabaseAsync(db => db.KeptForms.CountAsync()));
    }

    /// <summary>Ada, who has sent a note with a session that was ended from elsewhere, and stands before the login page.</summary>
    private static async Task<Visitor> TypedAsync(Site site)
    {
        var ada = await Visitor.SignedInAsync(site);
        await ada.OpenAsync("/notes");
        await EndAllAsync(site);
        await ada.SubmitAsync(NoteForm, ("Input.Text", Text));
        return ada;
    }

    /// <summary>Ada, who has signed in again and sees what is kept.</summary>
    private static async Task<Visitor> OfferedAsync(Site site)
    {
        var ada = await TypedAsync(site);
        await ada.SubmitAsync(SignInForm, ("Input.UserName", "ada"), ("Input.Password", "Correct-Horse-1"));
        return ada;
    }

    private static async Task EndAllAsync(Site site)
    {
        var ada = await site.InDatabaseAsync(db => db.Users.SingleAsync(user => user.UserName == "ada"));
        await site.Services.GetRequiredService<SessionEndings>().EndAllAsync(
            new UserId(ada.Id), keep: null, RefusalReason.Revoked, SecurityEventKinds.OthersEnded, new ClientInfo("a test", "127.0.0.1"));
    }

    private static Task<int> CountAsync(Site site) => site.InDatabaseAsync(db => db.Notes.CountAsync());

    private static Dictionary<string, string> Fields(Visitor visitor, string form = SendForm) => visitor.Page
        .QuerySelectorAll($"{form} input[type=hidden]")
        .ToDictionary(field => field.GetAttribute("name")!, field => field.GetAttribute("value") ?? "");
}
