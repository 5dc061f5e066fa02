using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Hosting;
using Microsoft.Net.Http.Headers;
using WebApp.Cookies;
using WebApp.Tests.Fixtures;
using WebApp.Tokens;
using Xunit;

namespace WebApp.Tests.Cookies;

/// <summary>Names, flags and lives of the two cookies, to the letter of the contract ("Cookies").</summary>
public sealed class SessionCookiesTests
{
    private readonly WatchedTime time = new();

    [Theory]
    [InlineData("https", "__Host-access_token", "__Host-refresh_token")]
    [InlineData("http", "access_token", "refresh_token")]
    public void A_pair_is_written_under_the_names_and_flags_of_the_contract(string scheme, string access, string refresh)
    {
        var context = Request(scheme);

        Cookies("Development").Write(context, Pair(), context.Request.Path);

        var set = SetCookies(context);
        Assert.Equal(
            [(access, "an-access-token"), (refresh, "a-refresh-token")], set.Select(each => (each.Name.Value!, each.Value.Value!)));
        Assert.All(set, each =>
        {
            Assert.True(each.HttpOnly);
            Assert.Equal(scheme == "https", each.Secure);
            Assert.Equal(Microsoft.Net.Http.Headers.SameSiteMode.Lax, each.SameSite);
            Assert.Equal(("/", false), (each.Path.Value!, each.Domain.HasValue));
            Assert.Empty(each.Extensions);
        });
        Assert.Equal("no-store", context.Response.Headers.CacheControl);
    }

    [Fact]
    public void Without_remember_me_the_cookies_end_with_the_browser()
    {
        var context = Request("https");

        Cookies("Production").Write(context, Pair(persistent: false), context.Request.Path);

        Assert.All(SetCookies(context), each => Assert.Equal((null, null), (each.MaxAge, each.Expires)));
    }

    /// <summary>Scenario 30: the browser's clock is never asked. The access cookie outlives its token.</summary>
    [Fact]
    public void With_remember_me_both_cookies_live_as_long_as_the_session_by_max_age_alone()
    {
        var context = Request("https");
        time.Advance(TimeSpan.FromDays(12));

        Cookies("Production").Write(context, Pair(persistent: true), context.Request.Path);

        Assert.All(SetCookies(context), each => Assert.Equal((TimeSpan.FromDays(18), null), (each.MaxAge, each.Expires)));
    }

    [Theory]
    [InlineData("https", "__Host-access_token", "__Host-refresh_token")]
    [InlineData("http", "access_token", "refresh_token")]
    public void Signing_out_ends_both_cookies_where_they_were_set(string scheme, string access, string refresh)
    {
        var context = Request(scheme);

        SessionCookies.Clear(context, context.Request.Path);

        var set = SetCookies(context);
        Assert.Equal([access, refresh], set.Select(each => each.Name.Value!));
        Assert.All(set, each => Assert.Equal(
            ("", "/", TimeSpan.Zero, null, scheme == "https"),
            (each.Value.Value!, each.Path.Value!, each.MaxAge, each.Expires, each.Secure)));
        Assert.Equal("no-store", context.Response.Headers.CacheControl);
    }

    [Theory]
    [InlineData("https", "Production", true)]
    [InlineData("http", "Production", false)]
    [InlineData("http", "Staging", false)]
    [InlineData("http", "Development", true)]
    public void Tokens_travel_over_plain_http_in_development_alone(string scheme, string environment, bool travel)
    {
        var cookies = Cookies(environment);
        var prefix = scheme == "https" ? "__Host-" : "";
        var request = Request(scheme, $"{prefix}access_token=a; {prefix}refresh_token=r").Request;

        Assert.Equal(travel, cookies.MayTravel(request));
        var presented = cookies.Read(request);
        Assert.Equal(travel ? ("a", "r") : (null, null), (presented.Access, presented.Refresh));
        Assert.Equal(travel ? 1 : 0, cookies.ReadAll(request).Refresh.Count);
    }

    /// <summary>Anybody on the network can set a cookie without the prefix.</summary>
    [Fact]
    public void Over_https_a_cookie_without_the_prefix_is_not_seen()
    {
        var cookies = Cookies("Production");
        var request = Request("https", "access_token=a; refresh_token=r").Request;

        Assert.Equal((null, null), (cookies.Read(request).Access, cookies.Read(request).Refresh));
        Assert.Empty(cookies.ReadAll(request).Access);
    }

    /// <summary>Scenario 11.</summary>
    [Fact]
    public void Of_several_cookies_with_one_name_a_few_are_looked_at()
    {
        var header = string.Join("; ", Enumerable.Range(0, 50).Select(index => $"refresh_token=r{index}").Prepend("access_token=a"));

        var (access, refresh) = Cookies("Development").ReadAll(Request("http", header).Request);

        Assert.Equal(["a"], access);
        Assert.Equal(["r0", "r1", "r2", "r3"], refresh);
    }

    /// <summary>Whatever other scripts put into the header, the pair beside it is found.</summary>
    [Theory]
    [InlineData("x=a b")]
    [InlineData("x")]
    [InlineData("=x")]
    [InlineData("x={\"a\":1}")]
    [InlineData("x=bär")]
    [InlineData("a[b]=x")]
    [InlineData("x=%zz")]
    [InlineData("x=\"")]
    [InlineData(";;")]
    public void A_neighbour_that_is_no_cookie_hides_no_token(string neighbour)
    {
        var cookies = Cookies("Development");
        foreach (var header in new[] { $"{neighbour}; access_token=a; refresh_token=r", $"access_token=a; {neighbour}; refresh_token=r" })
        {
            var request = Request("http", header).Request;

            Assert.Equal(("a", "r"), (cookies.Read(request).Access, cookies.Read(request).Refresh));
            var (access, refresh) = cookies.ReadAll(request);
            Assert.Equal("a", Assert.Single(access));
            Assert.Equal("r", Assert.Single(refresh));
        }
    }

    /// <summary>Scenario 11: a stray cookie may stand at any path above the page.</summary>
    [Fact]
    public void A_second_cookie_of_one_name_is_ended_wherever_it_may_stand()
    {
        var context = Request("http", "access_token=a; access_token=b; refresh_token=r", "/notes/12/edit");

        Cookies("Development").Write(context, Pair(), context.Request.Path);

        var strays = SetCookies(context).Where(each => each.MaxAge == TimeSpan.Zero);
        Assert.Equal(
            [("access_token", "/notes"), ("access_token", "/notes/12"), ("access_token", "/notes/12/edit")],
            strays.Select(each => (each.Name.Value!, each.Path.Value!)));
        Assert.Equal(2, SetCookies(context).Count(each => each.Path == "/"));
    }

    /// <summary>A browser compares paths as they are written, and a header holds neither letters beyond ASCII nor line ends.</summary>
    [Theory]
    [InlineData("/ä/b", "/%C3%A4", "/%C3%A4/b")]
    [InlineData("/a b", "/a%20b")]
    [InlineData("/a\r\nX: y", "/a%0D%0AX:%20y")]
    public void The_paths_of_strays_are_written_as_a_browser_writes_them(string path, params string[] written)
    {
        var context = Request("http", "access_token=a; access_token=b", path);

        Cookies("Development").Write(context, Pair(), context.Request.Path);

        Assert.Equal(written, SetCookies(context).Where(each => each.MaxAge == TimeSpan.Zero).Select(each => each.Path.Value!));
        Assert.All(context.Response.Headers.SetCookie, each => Assert.True(each!.All(letter => letter is >= ' ' and <= '~'), each));
    }

    /// <summary>What a path holds must not become an attribute of the cookie.</summary>
    [Fact]
    public void A_path_adds_no_attribute()
    {
        var context = Request("http", "access_token=a; access_token=b", "/a;domain=example.org;max-age=99/b");

        Cookies("Development").Write(context, Pair(), context.Request.Path);

        Assert.All(SetCookies(context), each => Assert.False(each.Domain.HasValue));
        Assert.Single(SetCookies(context), each => each.Path == "/" && each.Name == "access_token");
    }

    [Fact]
    public void A_path_of_any_depth_costs_a_few_headers()
    {
        var context = Request("http", "access_token=a; access_token=b", string.Concat(Enumerable.Repeat("/x", 500)));

        Cookies("Development").Write(context, Pair(), context.Request.Path);

        Assert.InRange(context.Response.Headers.SetCookie.Count, 3, 12);
    }

    private static DefaultHttpContext Request(string scheme, string? cookies = null, string path = "/")
    {
        var context = new DefaultHttpContext();
        (context.Request.Scheme, context.Request.Path, context.Request.Headers.Cookie) = (scheme, path, cookies);
        return context;
    }

    private static IList<SetCookieHeaderValue> SetCookies(HttpContext context) =>
        SetCookieHeaderValue.ParseList([.. context.Response.Headers.SetCookie.OfType<string>()]);

    private static TokenPair Pair(bool persistent = false) =>
        new(Some.Grant() with { Persistent = persistent }, "an-access-token", "a-refresh-token");

    private SessionCookies Cookies(string environment) => new(new Environment(environment), time);

    private sealed record Environment(string EnvironmentName) : IHostEnvironment
    {
        public string EnvironmentName { get; set; } = EnvironmentName;

        public string ApplicationName { get; set; } = "WebApp";

        public string ContentRootPath { get; set; } = "/";

        public IFileProvider ContentRootFileProvider { get; set; } = new NullFileProvider();
    }
}
