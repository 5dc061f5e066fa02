using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Tests.Fixtures;

/// <summary>A note of Ada's whose session was ended before she sent it.</summary>
internal static class KeptNote
{
    public const string NoteForm = "form:has([name='Input.Text'])";
    public const string SignInForm = "main form";
    public const string SendForm = "form:has([name='__kept_form'])";
    public const string Text = "An hour of thoughts, with ünïcode & <b>markup</b>";

    /// <summary>Ada, who has sent a note with a session that was ended from elsewhere, and stands before the login page.</summary>
    public static async Task<Visitor> TypedAsync(Site site)
    {
        var ada = await Visitor.SignedInAsync(site);
        await ada.OpenAsync("/notes");
        await EndAllAsync(site);
        await ada.SubmitAsync(NoteForm, ("Input.Text", Text));
        return ada;
    }

    /// <summary>Ada, who has signed in again and sees what is kept.</summary>
    public static async Task<Visitor> OfferedAsync(Site site)
    {
        var ada = await TypedAsync(site);
        await ada.SubmitAsync(SignInForm, ("Input.UserName", "ada"), ("Input.Password", "Correct-Horse-1"));
        return ada;
    }

    public static async Task EndAllAsync(Site site)
    {
        var ada = await site.InDatabaseAsync(db => db.Users.SingleAsync(user => user.UserName == "ada"));
        await site.Services.GetRequiredService<SessionEndings>().EndAllAsync(
            new UserId(ada.Id), keep: null, RefusalReason.Revoked, SecurityEventKinds.OthersEnded, new ClientInfo("a test", "127.0.0.1"));
    }

    public static Task<int> CountAsync(Site site) => site.InDatabaseAsync(db => db.Notes.CountAsync());

    public static Dictionary<string, string> Fields(Visitor visitor, string form = SendForm) => visitor.Page
        .QuerySelectorAll($"{form} input[type=hidden]")
        .ToDictionary(field => field.GetAttribute("name")!, field => field.GetAttribute("value") ?? "");
}
