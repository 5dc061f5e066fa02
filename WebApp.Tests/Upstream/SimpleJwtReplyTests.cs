using System.Net;
using WebApp.Upstream.SimpleJwt;
using Xunit;

namespace WebApp.Tests.Upstream;

/// <summary>What a reply of Simple JWT means, and what only looks like one.</summary>
public sealed class SimpleJwtReplyTests
{
    [Theory]
    [InlineData("""{"access":"a","refresh":"r"}""")]
    [InlineData("""{"access":"a"}""")]
    [InlineData("{}")]
    public void An_object_with_200_is_granted(string body) => AssertMeans(SimpleJwtReplyKind.Granted, 200, body);

    [Theory]
    [InlineData(401, """{"detail":"Token is blacklisted","code":"token_not_valid"}""")]
    [InlineData(401, """{"detail":"Token is expired","code":"token_not_valid","messages":[]}""")]
    [InlineData(401, """{"detail":"No active account found for the given token.","code":"no_active_account"}""")]
    [InlineData(401, """{"detail":"Kein aktives Konto gefunden","code":"no_active_account"}""")]
    [InlineData(401, """{"detail":"No active account found with the given credentials"}""")]
    [InlineData(400, """{"detail":"Token is blacklisted","code":"token_not_valid"}""")]
    [InlineData(400, """{"username":["This field may not be blank."]}""")]
    [InlineData(400, """{"password":["This field may not be blank."]}""")]
    public void A_refusal_is_believed_in_Simple_JWTs_own_words(int status, string body) =>
        AssertMeans(SimpleJwtReplyKind.Refused, status, body);

    /// <summary>A proxy, a portal and the framework around Simple JWT say 401 and 400 too.</summary>
    [Theory]
    [InlineData(401, "<!doctype html><title>Please sign in</title>")]
    [InlineData(401, "")]
    [InlineData(401, "token_not_valid")]
    [InlineData(401, "\"token_not_valid\"")]
    [InlineData(401, "{}")]
    [InlineData(401, """["token_not_valid"]""")]
    [InlineData(401, """[{"code":"token_not_valid"}]""")]
    [InlineData(401, """{"detail":"Authentication credentials were not provided."}""")]
    [InlineData(401, """{"detail":"There is No active account found"}""")]
    [InlineData(401, """{"detail":{"code":"token_not_valid"}}""")]
    [InlineData(401, """{"detail":["No active account found"]}""")]
    [InlineData(401, """{"code":"authentication_failed"}""")]
    [InlineData(401, """{"code":"TOKEN_NOT_VALID"}""")]
    [InlineData(401, """{"code":["token_not_valid"]}""")]
    [InlineData(401, """{"code":401}""")]
    [InlineData(401, """{"code":null,"detail":null}""")]
    [InlineData(401, """{"username":["This field may not be blank."]}""")]
    [InlineData(400, """{"refresh":["This field may not be blank."]}""")]
    [InlineData(400, """{"username":"This field may not be blank."}""")]
    [InlineData(400, """{"Username":["This field may not be blank."]}""")]
    [InlineData(400, """{"detail":"JSON parse error - Expecting value: line 1 column 1 (char 0)"}""")]
    [InlineData(400, "<h1>Bad Request (400)</h1>")]
    [InlineData(400, "")]
    public void Anything_else_with_401_or_400_refuses_nothing(int status, string body) =>
        AssertMeans(SimpleJwtReplyKind.Unavailable, status, body);

    [Theory]
    [InlineData(200, "<!doctype html><title>Welcome</title>")]
    [InlineData(200, "")]
    [InlineData(200, "null")]
    [InlineData(200, "\"access\"")]
    [InlineData(200, """["access"]""")]
    [InlineData(200, """{"access":"a","refresh":""")]
    [InlineData(200, """{"access":"a"}{"access":"b"}""")]
    public void What_is_no_object_grants_nothing(int status, string body) =>
        AssertMeans(SimpleJwtReplyKind.Unavailable, status, body);

    /// <summary>Whatever it says beside its status.</summary>
    [Theory]
    [InlineData(201)]
    [InlineData(204)]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(403)]
    [InlineData(404)]
    [InlineData(405)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(502)]
    [InlineData(503)]
    public void A_status_that_Simple_JWT_does_not_answer_with_means_nothing(int status) => AssertMeans(
        SimpleJwtReplyKind.Unavailable,
        status,
        """{"access":"a","refresh":"r","code":"token_not_valid","detail":"No active account found","username":["Blank."]}""");

    /// <summary>JSON may escape half of a character, which is no text.</summary>
    [Theory]
    [InlineData(401, """{"code":"\ud800"}""")]
    [InlineData(401, """{"detail":"\ud800"}""")]
    [InlineData(401, """{"\ud800":"token_not_valid"}""")]
    [InlineData(400, """{"\ud800":["This field may not be blank."]}""")]
    public void Half_a_character_refuses_nothing(int status, string body) =>
        AssertMeans(SimpleJwtReplyKind.Unavailable, status, body);

    [Fact]
    public void A_member_that_is_no_text_has_none()
    {
        var reply = SimpleJwtReply.Of(
            HttpStatusCode.OK,
            """{"text":"a","empty":"","number":1,"truth":true,"nothing":null,"list":["a"],"object":{"text":"a"},"half":"\udc00"}""");

        Assert.Equal("a", reply.Text("text"));
        Assert.Equal("", reply.Text("empty"));
        Assert.All(["number", "truth", "nothing", "list", "object", "half", "Text", "missing"], name => Assert.Null(reply.Text(name)));
    }

    [Fact]
    public void A_reply_that_grants_nothing_has_no_text()
    {
        Assert.Null(SimpleJwtReply.Unavailable.Text("access"));
        Assert.Null(SimpleJwtReply.Of(HttpStatusCode.Unauthorized, """{"access":"a","code":"token_not_valid"}""").Text("access"));
    }

    private static void AssertMeans(SimpleJwtReplyKind kind, int status, string body) =>
        Assert.Equal(kind, SimpleJwtReply.Of((HttpStatusCode)status, body).Kind);
}
