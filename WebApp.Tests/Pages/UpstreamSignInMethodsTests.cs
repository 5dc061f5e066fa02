using System.Net;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using WebApp.Coordination;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Pages;

/// <summary>Where an upstream issuer knows the passwords, second steps and passkeys are its affair.</summary>
public sealed class UpstreamSignInMethodsTests
{
    [Fact]
    public async Task Neither_is_there_nor_led_to()
    {
        await using var site = Site.Start(
            ("Upstream:Kind", "SimpleJwt"), ("Upstream:BaseAddress", "http://127.0.0.1:9/"),
            ("Upstream:SigningKey", "a secret of no less than thirty-two bytes"));
        using var ada = await SignedInAsync(site);
        using var nobody = new Visitor(site);

        foreach (var path in new[] { "/account/two-step", "/account/passkeys", "/login/passkey" })
        {
            using var answer = await ada.GetAsync(path);
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        }

        // A form made by hand changes no name either.
        await ada.OpenAsync("/notes");
        var token = ada.Page.QuerySelector("[name='__RequestVerificationToken']")!.GetAttribute("value")!;
        Dictionary<string, string> fields = new() { ["Input.UserName"] = "somebody-new", ["Input.Stamp"] = "a stamp", ["__RequestVerificationToken"] = token };
        using var changed = await ada.SendAsync(HttpMethod.Post, "/account", new FormUrlEncodedContent(fields), CancellationToken.None);
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        Assert.Equal(0, await site.InDatabaseAsync(db => db.Users.CountAsync(user => user.UserName == "somebody-new")));

        var account = await ada.OpenAsync("/account");
        Assert.Empty(account.QuerySelectorAll(".sections a[href*='two-step'], .sections a[href*='passkeys']"));
        var login = await nobody.OpenAsync("/login");
        Assert.Null(login.QuerySelector("[data-passkey]"));
    }

    private static async Task<Visitor> SignedInAsync(Site site)
    {
        var account = new Account { Id = "issuer|1", UserName = "issuer|1", SecurityStamp = "a stamp" };
        await site.InDatabaseAsync(db =>
        {
            db.Users.Add(account);
            return db.SaveChangesAsync();
        });
        var pair = await site.Services.GetRequiredService<SessionLifecycle>().OpenAsync(
            new AccountProof(new UserId(account.Id), account.SecurityStamp), Some.Client, SessionTransport.Cookie, false, CancellationToken.None);
        return new Visitor(site) { Pair = new CookiePair(pair!.AccessToken, pair.RefreshToken) };
    }
}
