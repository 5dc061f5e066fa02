using System.Net.Http.Json;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using WebApp.Coordination;
using WebApp.Storage;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;

namespace WebApp.Tests.SimpleJwt;

/// <summary>This site's own API.</summary>
internal sealed class SiteWireTarget : IWireTarget, IDisposable
{
    private const string Password = "Correct-Horse-1";

    private readonly Site site = Site.Start();
    private int made;

    private SiteWireTarget() =>
        Client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = site.Address };

    public HttpClient Client { get; }

    public static async Task<SiteWireTarget> StartAsync()
    {
        var target = new SiteWireTarget();
        await target.OpenAsync("carol", disabled: true);
        return target;
    }

    public async Task<string> ResolveAsync(string name) => name switch
    {
        "user" => "ada",
        "inactive" => "carol",
        "password" => Password,
        "access" => (await PairAsync()).Access!,
        "refresh" => (await PairAsync()).Refresh!,
        "expired" => (await ChangedAsync(row => row.LastUsedAt -= TimeSpan.FromDays(15))).Refresh!,
        "expired-access" => ExpiredAccess(),
        "forged" => WirePlayer.Forge((await PairAsync()).Refresh!),
        "forged-access" => WirePlayer.Forge((await PairAsync()).Access!),
        "unsigned" => $"{Base64UrlEncoder.Encode("""{"alg":"none","typ":"JWT"}""")}.{new JsonWebToken((await PairAsync()).Access).EncodedPayload}.",
        "spent" => (await ChangedAsync(row => (row.Generation, row.SeenAt) = (1, The.Beginning - TimeSpan.FromMinutes(1)))).Refresh!,
        "blacklisted" => (await BlacklistedAsync()).Refresh!,
        "access-of-blacklisted" => (await BlacklistedAsync()).Access!,
        "access-of-inactive" => (await LeftAsync(deleted: false)).Access!,
        "refresh-of-inactive" => (await LeftAsync(deleted: false)).Refresh!,
        "access-of-deleted" => (await LeftAsync(deleted: true)).Access!,
        "refresh-of-deleted" => (await LeftAsync(deleted: true)).Refresh!,
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No case may ask for this."),
    };

    public void Dispose()
    {
        Client.Dispose();
        site.Dispose();
    }

    /// <summary>Not by the API, which would say that one person signs in too often.</summary>
    private async Task<CookiePair> PairAsync(string user = "ada")
    {
        var account = await site.InDatabaseAsync(db => db.Users.AsNoTracking().SingleAsync(each => each.UserName == user));
        var opened = await site.Services.GetRequiredService<SessionLifecycle>().OpenAsync(
            new AccountProof(new UserId(account.Id), account.SecurityStamp!),
            Some.Client,
            SessionTransport.Body,
            persistent: true,
            CancellationToken.None);
        return new CookiePair(opened!.AccessToken, opened.RefreshToken);
    }

    private async Task<CookiePair> ChangedAsync(Action<SessionRow> change)
    {
        var pair = await PairAsync();
        var session = new JsonWebToken(pair.Access).GetClaim(TokenClaims.Session).Value;
        await site.InDatabaseAsync(async db =>
        {
            change(await db.Sessions.SingleAsync(row => row.Id == Guid.ParseExact(session, "N")));
            return await db.SaveChangesAsync();
        });
        return pair;
    }

    private async Task<CookiePair> BlacklistedAsync()
    {
        var pair = await PairAsync();
        using var answer = await Client.PostAsJsonAsync("/api/token/blacklist/", new { refresh = pair.Refresh });
        answer.EnsureSuccessStatusCode();
        return pair;
    }

    private async Task<CookiePair> LeftAsync(bool deleted)
    {
        var name = $"erin-{++made}";
        await OpenAsync(name, disabled: false);
        var pair = await PairAsync(name);
        await site.InDatabaseAsync(db => deleted
            ? db.Users.Where(user => user.UserName == name).ExecuteDeleteAsync()
            : db.Users.Where(user => user.UserName == name).ExecuteUpdateAsync(user => user.SetProperty(each => each.Disabled, true)));
        return pair;
    }

    private async Task OpenAsync(string name, bool disabled)
    {
        await using var scope = site.Services.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<UserManager<Account>>()
            .CreateAsync(new Account { UserName = name, Disabled = disabled }, Password);
    }

    private string ExpiredAccess() => site.Services.GetRequiredService<AccessTokenIssuer>().Issue(
        Some.Grant(), site.Time.GetUtcNow() - TimeSpan.FromHours(2));
}
