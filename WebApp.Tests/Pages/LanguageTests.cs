using System.Globalization;
using System.Net;
using AngleSharp.Dom;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Pages;

/// <summary>Pages speak the language of whoever reads them, and the session knows nothing of it.</summary>
public sealed class LanguageTests
{
    private const string Chinese = "zh-CN,zh;q=0.9,en;q=0.8";
    private const string ToChinese = "/language?to=zh&returnUrl=%2Flogin";

    [Theory]
    [InlineData("zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans", "登录")]
    [InlineData("zh-Hans-CN", "zh-Hans", "登录")]
    [InlineData("zh", "zh-Hans", "登录")]
    [InlineData("fr-CH, zh;q=0.5", "zh-Hans", "登录")]
    [InlineData("en;q=0.4,zh-TW;q=0.5", "zh-Hans", "登录")]
    [InlineData("en-GB,zh;q=0.5", "en", "Sign in")]
    [InlineData("fr,zh;q=0", "en", "Sign in")]
    [InlineData("zha", "en", "Sign in")]
    [InlineData("fr-CH, fr;q=0.9, de;q=0.7", "en", "Sign in")]
    [InlineData("*", "en", "Sign in")]
    [InlineData(";;;,,=", "en", "Sign in")]
    public async Task The_browser_says_which_language_its_reader_knows(string languages, string tag, string heading)
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site) { Languages = languages };

        var page = await visitor.OpenAsync("/login");

        Assert.Equal((tag, heading), (page.DocumentElement.GetAttribute("lang"), Heading(page)));
        Assert.Equal($"{heading} · WebApp", page.Title);
    }

    [Fact]
    public async Task Forms_say_what_is_wrong_with_them_in_the_readers_language()
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site) { Languages = Chinese };
        await visitor.OpenAsync("/register");

        var page = await visitor.SubmitAsync(
            "main form", ("Input.UserName", "不行"), ("Input.Password", "short"), ("Input.ConfirmPassword", "other"));
        Assert.Equal("错误：注册 · WebApp", page.Title);
        Assert.Equal("用户名只能包含英文字母、数字和 - . _ @ +", Text(page, "#name-error"));
        Assert.Equal("密码至少 10 个字符。", Text(page, "#password-error"));
        Assert.Equal("两次输入的密码不一致。", Text(page, "#confirm-error"));

        page = await visitor.SubmitAsync(
            "main form", ("Input.UserName", "ada"), ("Input.Password", "Correct-Horse-1"), ("Input.ConfirmPassword", "Correct-Horse-1"));
        Assert.Equal("用户名“ada”已被占用。", Text(page, "#form-problem"));

        page = await visitor.OpenAsync("/login?reason=expired");
        Assert.Equal("你离开了一段时间，会话已经结束，请重新登录。", Text(page, "#reason"));
        page = await visitor.SubmitAsync("main form", ("Input.UserName", "ada"), ("Input.Password", "wrong"));
        Assert.StartsWith("用户名或密码不正确", Text(page, "#form-problem"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_framework_says_of_values_has_texts_of_its_own()
    {
        await using var site = Site.Start();
        var says = site.Services.GetRequiredService<IOptions<MvcOptions>>().Value.ModelBindingMessageProvider;
        CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo("zh"); // Of this test alone.

        Assert.Equal("“也许”不是有效的值。", says.AttemptedValueIsInvalidAccessor("也许", "RememberMe"));
        Assert.All(
            [
                says.MissingBindRequiredValueAccessor("a"), says.MissingKeyOrValueAccessor(), says.MissingRequestBodyRequiredValueAccessor(),
                says.ValueMustNotBeNullAccessor("a"), says.NonPropertyAttemptedValueIsInvalidAccessor("a"), says.ValueIsInvalidAccessor("a"),
                says.UnknownValueIsInvalidAccessor("a"), says.NonPropertyUnknownValueIsInvalidAccessor(),
                says.ValueMustBeANumberAccessor("a"), says.NonPropertyValueMustBeANumberAccessor(),
            ],
            sentence => Assert.EndsWith("。", sentence, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Notes_are_counted_and_dated_in_the_readers_language()
    {
        await using var site = Site.Start();
        using var visitor = await SignedInAsync(site);
        var page = await visitor.OpenAsync("/notes");
        Assert.Equal(("笔记", "还没有笔记"), (Heading(page), Text(page, "#kept")));
        Assert.Equal("已登录：ada", Text(page, ".who p"));
        Assert.Equal("本页：访问令牌还有 5 分 00 秒有效 · 会话始于 12:00 UTC · 尚未刷新", Text(page, ".session-line"));

        page = await visitor.SubmitAsync("form:has([name='Input.Text'])", ("Input.Text", "第一条"));
        Assert.Equal(("1 条笔记", "今天 12:00 UTC"), (Text(page, "#kept"), Text(page, ".note-foot time")));

        site.Leap(TimeSpan.FromDays(1));
        page = await visitor.OpenAsync("/notes");
        Assert.Equal("2030年1月1日 12:00 UTC", Text(page, ".note-foot time"));
        Assert.EndsWith("会话始于 2030年1月1日 12:00 UTC · 已刷新 1 次", Text(page, ".session-line"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pages_of_status_codes_speak_the_readers_language_too()
    {
        await using var site = Site.Start();
        using var visitor = await SignedInAsync(site);

        Assert.Equal("这里什么也没有", Heading(await visitor.OpenAsync("/nowhere?a=b")));
        Assert.Equal(
            "/language?to=en&returnUrl=%2Fnowhere%3Fa%3Db", visitor.Page.QuerySelector("footer a[lang='en']")!.GetAttribute("href"));

        site.Database.FailBefore("\"Notes\"", times: 1);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "请稍候"), Told(await visitor.OpenAsync("/notes")));
        Assert.Equal(
            "/language?to=en&returnUrl=%2Fnotes", visitor.Page.QuerySelector("footer a[lang='en']")!.GetAttribute("href"));

        site.ExpireAccessTokens();
        site.Database.IsDown = true;
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "请稍候"), Told(await visitor.OpenAsync("/notes")));
        site.Database.IsDown = false;
    }

    [Fact]
    public async Task Programs_are_answered_in_English_whatever_they_ask_for()
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site) { Languages = Chinese };

        using var answer = await visitor.GetAsync("/api/me");

        Assert.Equal(
            "Authentication credentials were not provided.", (await answer.JsonAsync()).GetProperty("detail").GetString());
    }

    [Fact]
    public async Task A_choice_wins_over_what_the_browser_says_and_stays()
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site) { Languages = "en-GB" };
        var page = await visitor.OpenAsync("/login?returnUrl=%2Fnotes");
        Assert.Equal("English", Text(page, ".languages [aria-current]"));

        page = await visitor.OpenAsync(Link(page, "简体中文"));

        Assert.Equal("/login?returnUrl=%2Fnotes", new Uri(page.Url).PathAndQuery);
        Assert.Equal(("登录", "简体中文"), (Heading(page), Text(page, ".languages [aria-current]")));
        Assert.Equal("重新加载，多少次都行。", Heading(await visitor.OpenAsync("/")));

        await visitor.OpenAsync(Link(visitor.Page, "English"));
        Assert.Equal("Reload as often as you like.", Heading(visitor.Page));
    }

    [Fact]
    public async Task A_choice_is_kept_for_a_year_out_of_reach_of_scripts()
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site);

        using var answer = await visitor.GetAsync(ToChinese);

        var cookie = Assert.Single(answer.SetCookies());
        Assert.Equal(("language", "/", true, TimeSpan.FromDays(365)), (cookie.Name.Value, cookie.Path.Value, cookie.HttpOnly, cookie.MaxAge));
        Assert.Equal(Microsoft.Net.Http.Headers.SameSiteMode.Lax, cookie.SameSite);
        Assert.True(answer.Headers.CacheControl!.NoStore);
        Assert.Equal("/login", answer.Headers.Location!.OriginalString);
    }

    [Theory]
    [InlineData("https://elsewhere.example/")]
    [InlineData("//elsewhere.example/")]
    [InlineData("/\\elsewhere.example/")]
    [InlineData("javascript:alert(1)")]
    [InlineData("")]
    public async Task Nobody_is_led_elsewhere(string returnUrl)
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site);

        using var answer = await visitor.GetAsync($"/language?to=zh&returnUrl={Uri.EscapeDataString(returnUrl)}");

        Assert.Equal((HttpStatusCode.Redirect, "/"), (answer.StatusCode, answer.Headers.Location!.OriginalString));
    }

    [Fact]
    public async Task The_way_back_may_hold_any_letter()
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site);
        var page = await visitor.OpenAsync("/%E4%BD%A0%20%C3%BC?a=%E5%A5%BD%26");

        using var answer = await visitor.GetAsync(Link(page, "简体中文"));

        Assert.Equal("/%E4%BD%A0%20%C3%BC?a=%E5%A5%BD%26", answer.Headers.Location!.OriginalString);
    }

    [Theory]
    [InlineData("fr")]
    [InlineData("zh-CN")]
    [InlineData("")]
    [InlineData("%0d%0aSet-Cookie:x=y")]
    public async Task A_language_that_is_not_offered_is_not_remembered(string to)
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site);

        using var answer = await visitor.GetAsync($"/language?to={to}&returnUrl=%2Flogin");

        Assert.Equal("/login", answer.Headers.Location!.OriginalString);
        Assert.Empty(answer.SetCookies());
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("c%3Den%7Cuic%3Dfr")]
    [InlineData("c%3D%7Cuic%3D")]
    [InlineData("%E0%A4%A|\u0001")]
    public async Task A_cookie_that_names_no_language_counts_as_none(string cookie)
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site) { Languages = Chinese };

        using var answer = await visitor.GetAsync("/", ("Cookie", $"language={cookie}"));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Contains("lang=\"zh-Hans\"", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_prefetched_link_chooses_nothing()
    {
        await using var site = Site.Start();
        using var visitor = new Visitor(site);

        using var answer = await visitor.GetAsync(ToChinese, ("Sec-Purpose", "prefetch"));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Empty(answer.SetCookies());
    }

    [Fact]
    public async Task Languages_cost_no_cookie_that_nobody_has_asked_for()
    {
        await using var site = Site.Start();
        using var nobody = new Visitor(site) { Languages = Chinese };
        using var visitor = await SignedInAsync(site);
        await visitor.OpenAsync("/notes");

        using var open = await nobody.GetAsync("/");
        using var chosen = await visitor.GetAsync(ToChinese);
        using var notes = await visitor.GetAsync("/notes");

        Assert.Empty(open.SetCookies());
        Assert.Equal("language", Assert.Single(chosen.SetCookies()).Name.Value);
        Assert.Empty(notes.SetCookies());
    }

    [Fact]
    public async Task Choosing_a_language_touches_no_session_that_is_due_for_a_refresh_or_not()
    {
        await using var site = Site.Start();
        using var visitor = await SignedInAsync(site);
        var before = visitor.Pair;
        site.ExpireAccessTokens();
        site.Database.Forget();

        using var answer = await visitor.GetAsync(ToChinese);

        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        Assert.False(answer.TouchesTokens());
        Assert.Equal(before, visitor.Pair);
        Assert.DoesNotContain(site.Database.Statements, statement => statement.Contains("Sessions", StringComparison.Ordinal));
        Assert.Equal(0, (await site.TheSessionAsync()).Generation);
    }

    [Fact]
    public async Task Caches_are_told_what_a_page_depends_on_and_files_depend_on_nothing()
    {
        await using var site = Site.Start();
        using var visitor = await SignedInAsync(site);

        using var page = await visitor.GetAsync("/notes");
        using var error = await visitor.GetAsync("/nowhere");
        using var file = await visitor.GetAsync("/css/site.css");

        Assert.Equal(["Accept-Language", "Cookie"], page.Headers.Vary);
        Assert.Equal(["Accept-Language", "Cookie"], error.Headers.Vary);
        Assert.True(page.Headers.CacheControl!.NoStore && error.Headers.CacheControl!.NoStore);
        Assert.DoesNotContain("Accept-Language", file.Headers.Vary);
    }

    private static async Task<Visitor> SignedInAsync(Site site)
    {
        using var visitor = await Visitor.SignedInAsync(site);
        return new Visitor(site) { Languages = Chinese, Pair = visitor.Pair };
    }

    private static (HttpStatusCode Status, string Heading) Told(IDocument page) => (page.StatusCode, Heading(page));

    private static string Heading(IDocument page) => Text(page, "h1");

    private static string Text(IDocument page, string selector) => page.QuerySelector(selector)?.TextContent.Trim() ?? "";

    private static string Link(IDocument page, string language) =>
        page.QuerySelectorAll(".languages a").Single(link => link.TextContent == language).GetAttribute("href")!;
}
