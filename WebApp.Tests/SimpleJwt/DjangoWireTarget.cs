using System.Text;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using WebApp.Tests.Fixtures;

namespace WebApp.Tests.SimpleJwt;

/// <summary>Simple JWT itself.</summary>
internal sealed class DjangoWireTarget : IWireTarget, IAsyncDisposable
{
    private static readonly DjangoUser Ada = DjangoUser.Ada;
    private static readonly DjangoUser Carol = DjangoUser.Carol with { Password = Ada.Password };
    private static readonly DjangoUser Dave = new("dave", Ada.Password);

    /// <summary>Who has been deleted is gone, so there are some to take one after the other.</summary>
    private static readonly DjangoUser[] Erins = [.. Enumerable.Range(1, 8).Select(number => new DjangoUser($"erin-{number}", Ada.Password))];

    private readonly DjangoServer django;
    private int deleted;

    private DjangoWireTarget(DjangoServer django)
    {
        this.django = django;
        Client = django.Client();
    }

    public HttpClient Client { get; }

    public static async Task<DjangoWireTarget> StartAsync(SharedPostgres postgres) =>
        new(await DjangoServer.StartAsync(postgres, new DjangoOptions { Users = [Ada, Carol, Dave, .. Erins] }));

    public async Task<string> ResolveAsync(string name) => name switch
    {
        "user" => Ada.Name,
        "inactive" => Carol.Name,
        "password" => Ada.Password,
        "access" => (await PairAsync()).Access!,
        "refresh" => (await PairAsync()).Refresh!,
        "expired" => Expire((await PairAsync()).Refresh!),
        "expired-access" => Expire((await PairAsync()).Access!),
        "forged" => WirePlayer.Forge((await PairAsync()).Refresh!),
        "forged-access" => WirePlayer.Forge((await PairAsync()).Access!),
        "unsigned" => Unsign((await PairAsync()).Refresh!),
        "spent" => (await AfterAsync("/api/token/refresh/")).Refresh!,
        "blacklisted" => (await AfterAsync("/api/token/blacklist/")).Refresh!,
        "access-of-blacklisted" => (await AfterAsync("/api/token/blacklist/")).Access!,
        "access-of-inactive" => (await InactiveAsync()).Access!,
        "refresh-of-inactive" => (await InactiveAsync()).Refresh!,
        "access-of-deleted" => (await DeletedAsync()).Access!,
        "refresh-of-deleted" => (await DeletedAsync()).Refresh!,
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No case may ask for this."),
    };

    public ValueTask DisposeAsync()
    {
        Client.Dispose();
        return django.DisposeAsync();
    }

    private Task<CookiePair> PairAsync() => django.SignInAsync(Ada);

    private async Task<CookiePair> AfterAsync(string path)
    {
        var pair = await PairAsync();
        using var answer = await Client.PostAsync(path, DjangoServer.Body(new { refresh = pair.Refresh }));
        answer.EnsureSuccessStatusCode();
        return pair;
    }

    private async Task<CookiePair> InactiveAsync()
    {
        await django.Database.ActivateAsync(Dave, active: true);
        var pair = await django.SignInAsync(Dave);
        await django.Database.ActivateAsync(Dave, active: false);
        return pair;
    }

    private async Task<CookiePair> DeletedAsync()
    {
        var erin = Erins[deleted++];
        var pair = await django.SignInAsync(erin);
        await django.Database.DeleteAsync(erin);
        return pair;
    }

    /// <summary>The token as it was an hour after its end.</summary>
    private string Expire(string token)
    {
        var payload = JsonNode.Parse(Base64UrlEncoder.Decode(new JsonWebToken(token).EncodedPayload))!;
        payload["exp"] = payload["iat"]!.GetValue<long>() - 3600;
        payload["iat"] = payload["iat"]!.GetValue<long>() - 7200;
        var key = new SymmetricSecurityKey(Encoding.UTF8.GetBytes(django.Options.SigningKey));
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }
            .CreateToken(payload.ToJsonString(), new SigningCredentials(key, SecurityAlgorithms.HmacSha256));
    }

    private static string Unsign(string token) =>
        $"{Base64UrlEncoder.Encode("""{"alg":"none","typ":"JWT"}""")}.{new JsonWebToken(token).EncodedPayload}.";
}
