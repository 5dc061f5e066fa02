using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using WebApp.Sessions;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using Xunit;
using static WebApp.Tests.Fixtures.KeptNote;

namespace WebApp.Tests.Scenarios;

/// <summary>Scenario 50: a form that meets a dead session is kept, offered to the same person, and sent once.</summary>
public sealed class RescueTests
{
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
        Assert.DoesNotContain("RequestVerificationToken", ada.Page.Body!.TextContent, StringComparison.Ordinal);
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

    /// <summary>Its own fits no cookie any more when the browser was closed meanwhile, or is not even there.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task It_is_sent_with_a_fresh_antiforgery_token(bool hadOne)
    {
        await using var site = Site.Start();
        using var ada = await Visitor.SignedInAsync(site);
        await ada.OpenAsync("/notes");
        var fields = hadOne ? Fields(ada, NoteForm) : [];
        fields["Input.Text"] = Text;
        await EndAllAsync(site);
        using var kept = await ada.SendAsync(HttpMethod.Post, "/notes", new FormUrlEncodedContent(fields), CancellationToken.None);
        ada.Lose(".AspNetCore.Antiforgery");
        await ada.OpenAsync(kept.Headers.Location!.OriginalString);
        await ada.SubmitAsync(SignInForm, ("Input.UserName", "ada"), ("Input.Password", "Correct-Horse-1"));

        await ada.SubmitAsync(SendForm);

        Assert.Equal(Text, (await site.InDatabaseAsync(db => db.Notes.SingleAsync())).Text);
    }

    [Fact]
    public async Task A_page_that_answers_with_an_error_has_not_taken_it()
    {
        await using var site = Site.Start(services => services.Configure<MvcOptions>(options => options.Filters.Add(new Conflict())));
        using var ada = await OfferedAsync(site);

        var answer = await ada.SubmitAsync(SendForm);

        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
        Assert.NotNull((await site.InDatabaseAsync(db => db.KeptForms.SingleAsync())).SentAt);
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

    /// <summary>A page that takes no form.</summary>
    private sealed class Conflict : IPageFilter
    {
        public void OnPageHandlerSelected(PageHandlerSelectedContext context)
        {
        }

        public void OnPageHandlerExecuting(PageHandlerExecutingContext context)
        {
            if (context.ActionDescriptor.ViewEnginePath == "/Notes/Index" && context.HandlerMethod?.HttpMethod == "Post")
            {
                context.Result = new StatusCodeResult(StatusCodes.Status409Conflict);
            }
        }

        public void OnPageHandlerExecuted(PageHandlerExecutedContext context)
        {
        }
    }
}
