using static WebApp.Tests.SimpleJwt.WireCase;

namespace WebApp.Tests.SimpleJwt;

/// <summary>The requests by which Simple JWT's wire contract is known: each of its ways through, and each way to miss one.</summary>
internal static class WireCases
{
    private const string Obtain = "/api/token/";
    private const string Refresh = "/api/token/refresh/";
    private const string Verify = "/api/token/verify/";
    private const string Blacklist = "/api/token/blacklist/";
    private const string Me = "/api/me/";

    private const string Credentials = """{"username":"{user}","password":"{password}"}""";
    private const string Form = "application/x-www-form-urlencoded";

    private const string Multipart = """
        --part
        Content-Disposition: form-data; name="username"

        {user}
        --part
        Content-Disposition: form-data; name="password"

        {password}
        --part--

        """;

    public static IReadOnlyList<WireCase> All { get; } =
    [
        .. ObtainBodies(), .. ObtainRequests(), .. RefreshCases(), .. VerifyCases(), .. BlacklistCases(), .. MeCases(),
    ];

    private static IEnumerable<WireCase> ObtainBodies() =>
    [
        Post("obtain: ok", Obtain, Credentials),
        Post("obtain: nothing", Obtain, "{}"),
        Post("obtain: user name missing", Obtain, """{"password":"{password}"}"""),
        Post("obtain: user name blank", Obtain, """{"username":"","password":"{password}"}"""),
        Post("obtain: user name of spaces", Obtain, """{"username":"  ","password":"{password}"}"""),
        Post("obtain: user name null", Obtain, """{"username":null,"password":"{password}"}"""),
        Post("obtain: user name a number", Obtain, """{"username":7,"password":"{password}"}"""),
        Post("obtain: user name true", Obtain, """{"username":true,"password":"{password}"}"""),
        Post("obtain: user name a list", Obtain, """{"username":["{user}"],"password":"{password}"}"""),
        Post("obtain: user name with a zero character", Obtain, """{"username":"{user}\u0000","password":"{password}"}"""),
        Post("obtain: user name between spaces", Obtain, """{"username":" {user} ","password":"{password}"}"""),
        Post("obtain: password missing", Obtain, """{"username":"{user}"}"""),
        Post("obtain: password blank", Obtain, """{"username":"{user}","password":""}"""),
        Post("obtain: password null", Obtain, """{"username":"{user}","password":null}"""),
        Post("obtain: password a number", Obtain, """{"username":"{user}","password":7}"""),
        Post("obtain: password an object", Obtain, """{"username":"{user}","password":{"a":1}}"""),
        Post("obtain: password between spaces", Obtain, """{"username":"{user}","password":" {password} "}"""),
        Post("obtain: both wrong in form", Obtain, """{"username":[],"password":false}"""),
        Post("obtain: wrong password", Obtain, """{"username":"{user}","password":"wrong"}"""),
        Post("obtain: nobody's name", Obtain, """{"username":"nobody","password":"{password}"}"""),
        Post("obtain: inactive", Obtain, """{"username":"{inactive}","password":"{password}"}"""),
        Post("obtain: unknown field", Obtain, """{"username":"{user}","password":"{password}","colour":"red"}"""),
        Post("obtain: field twice, the last one right", Obtain, """{"username":"nobody","username":"{user}","password":"{password}"}"""),
        Post("obtain: malformed JSON", Obtain, """{"username":"""),
        Post("obtain: a list", Obtain, """["{user}","{password}"]"""),
        Post("obtain: a string", Obtain, "\"{user}\""),
        Post("obtain: null", Obtain, "null"),
        Post("obtain: empty body", Obtain, ""),
    ];

    private static IEnumerable<WireCase> ObtainRequests() =>
    [
        Post("obtain: no body", Obtain, null),
        Post("obtain: with a character set", Obtain, Credentials, "application/json; charset=utf-8"),
        Post("obtain: as text", Obtain, Credentials, "text/plain"),
        Post("obtain: without a content type", Obtain, Credentials, type: null),
        Post("obtain: as a form", Obtain, "username={user}&password={password}", Form),
        Post("obtain: as a form, field missing", Obtain, "username={user}", Form),
        Post("obtain: as a form of parts", Obtain, Multipart.ReplaceLineEndings("\r\n"), "multipart/form-data; boundary=part"),
        Post("obtain: for somebody who reads HTML alone", Obtain, Credentials) with { Accept = "text/html" },
        Post("obtain: with a dead access token", Obtain, Credentials) with { Authorization = "Bearer {expired-access}" },
        Post("obtain: without the last slash", "/api/token", Credentials),
        Get("obtain: GET", Obtain),
        new("obtain: HEAD", HttpMethod.Head, Obtain),
        new("obtain: OPTIONS", HttpMethod.Options, Obtain),
        new("obtain: DELETE", HttpMethod.Delete, Obtain),
        Post("obtain: PUT", Obtain, Credentials) with { Method = HttpMethod.Put },
        Post("obtain: PATCH", Obtain, Credentials) with { Method = HttpMethod.Patch },
    ];

    private static IEnumerable<WireCase> RefreshCases() =>
    [
        Post("refresh: ok", Refresh, """{"refresh":"{refresh}"}"""),
        Post("refresh: missing", Refresh, "{}"),
        Post("refresh: blank", Refresh, """{"refresh":""}"""),
        Post("refresh: null", Refresh, """{"refresh":null}"""),
        Post("refresh: a number", Refresh, """{"refresh":7}"""),
        Post("refresh: a list", Refresh, """{"refresh":["{refresh}"]}"""),
        Post("refresh: garbage", Refresh, """{"refresh":"garbage"}"""),
        Post("refresh: garbage in three parts", Refresh, """{"refresh":"a.b.c"}"""),
        Post("refresh: bad signature", Refresh, """{"refresh":"{forged}"}"""),
        Post("refresh: unsigned", Refresh, """{"refresh":"{unsigned}"}"""),
        Post("refresh: expired", Refresh, """{"refresh":"{expired}"}"""),
        Post("refresh: access token in its place", Refresh, """{"refresh":"{access}"}"""),
        Post("refresh: spent", Refresh, """{"refresh":"{spent}"}"""),
        Post("refresh: blacklisted", Refresh, """{"refresh":"{blacklisted}"}"""),
        Post("refresh: of somebody inactive since", Refresh, """{"refresh":"{refresh-of-inactive}"}"""),
        Post("refresh: of somebody deleted since", Refresh, """{"refresh":"{refresh-of-deleted}"}"""),
        Post("refresh: between spaces", Refresh, """{"refresh":" {refresh} "}"""),
        Post("refresh: access token besides", Refresh, """{"refresh":"{refresh}","access":"garbage"}"""),
        Post("refresh: as a form", Refresh, "refresh={refresh}", Form),
        Post("refresh: malformed JSON", Refresh, """{"refresh" "{refresh}"}"""),
        Post("refresh: with a dead access token", Refresh, """{"refresh":"{refresh}"}""") with { Authorization = "Bearer {expired-access}" },
        Post("refresh: without the last slash", "/api/token/refresh", """{"refresh":"{refresh}"}"""),
        Get("refresh: GET", Refresh),
        new("refresh: OPTIONS", HttpMethod.Options, Refresh),
    ];

    private static IEnumerable<WireCase> VerifyCases() =>
    [
        Post("verify: access token", Verify, """{"token":"{access}"}"""),
        Post("verify: refresh token", Verify, """{"token":"{refresh}"}"""),
        Post("verify: missing", Verify, "{}"),
        Post("verify: blank", Verify, """{"token":""}"""),
        Post("verify: null", Verify, """{"token":null}"""),
        Post("verify: garbage", Verify, """{"token":"garbage"}"""),
        Post("verify: bad signature", Verify, """{"token":"{forged-access}"}"""),
        Post("verify: expired access token", Verify, """{"token":"{expired-access}"}"""),
        Post("verify: expired refresh token", Verify, """{"token":"{expired}"}"""),
        Post("verify: spent", Verify, """{"token":"{spent}"}"""),
        Post("verify: blacklisted", Verify, """{"token":"{blacklisted}"}"""),
        Post("verify: access token of a blacklisted session", Verify, """{"token":"{access-of-blacklisted}"}"""),
        Post("verify: access token of somebody inactive since", Verify, """{"token":"{access-of-inactive}"}"""),
        Get("verify: GET", Verify),
    ];

    private static IEnumerable<WireCase> BlacklistCases() =>
    [
        Post("blacklist: ok", Blacklist, """{"refresh":"{refresh}"}"""),
        Post("blacklist: again", Blacklist, """{"refresh":"{blacklisted}"}"""),
        Post("blacklist: spent", Blacklist, """{"refresh":"{spent}"}"""),
        Post("blacklist: missing", Blacklist, "{}"),
        Post("blacklist: blank", Blacklist, """{"refresh":""}"""),
        Post("blacklist: garbage", Blacklist, """{"refresh":"garbage"}"""),
        Post("blacklist: bad signature", Blacklist, """{"refresh":"{forged}"}"""),
        Post("blacklist: expired", Blacklist, """{"refresh":"{expired}"}"""),
        Post("blacklist: access token", Blacklist, """{"refresh":"{access}"}"""),
        Post("blacklist: of somebody inactive since", Blacklist, """{"refresh":"{refresh-of-inactive}"}"""),
        Get("blacklist: GET", Blacklist),
    ];

    private static IEnumerable<WireCase> MeCases() =>
    [
        Get("me: ok", Me, "Bearer {access}"),
        Get("me: no header", Me),
        Get("me: empty header", Me, ""),
        Get("me: garbage", Me, "Bearer garbage"),
        Get("me: bad signature", Me, "Bearer {forged-access}"),
        Get("me: expired", Me, "Bearer {expired-access}"),
        Get("me: refresh token in its place", Me, "Bearer {refresh}"),
        Get("me: another scheme", Me, "Basic YTpi"),
        Get("me: the scheme JWT", Me, "JWT {access}"),
        Get("me: bearer in small letters", Me, "bearer {access}"),
        Get("me: bearer without a token", Me, "Bearer"),
        Get("me: two tokens", Me, "Bearer {access} {access}"),
        Get("me: two spaces", Me, "Bearer  {access}"),
        Get("me: of a blacklisted session", Me, "Bearer {access-of-blacklisted}"),
        Get("me: of somebody inactive since", Me, "Bearer {access-of-inactive}"),
        Get("me: of somebody deleted since", Me, "Bearer {access-of-deleted}"),
        new("me: HEAD", HttpMethod.Head, Me) { Authorization = "Bearer {access}" },
        new("me: OPTIONS", HttpMethod.Options, Me) { Authorization = "Bearer {access}" },
        new("me: OPTIONS, no header", HttpMethod.Options, Me),
        Post("me: POST", Me, "{}") with { Authorization = "Bearer {access}" },
        Post("me: POST, no header", Me, "{}"),
        Get("me: without the last slash", "/api/me", "Bearer {access}"),
    ];
}
