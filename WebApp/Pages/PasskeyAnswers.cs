using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Mvc;

namespace WebApp.Pages;

/// <summary>
/// What <c>passkeys.js</c> is answered when it asks what to ask an authenticator for: <c>options</c>, or a <c>problem</c> in the
/// reader's language.
/// </summary>
internal static class PasskeyAnswers
{
    private const string Json = "application/json";

    /// <param name="options">In JSON already.</param>
    public static ContentResult Options(string options) => new()
    {
        Content = $$"""{"options":{{options}}}""",
        ContentType = Json,
    };

    public static ContentResult Problem(string problem) => new()
    {
        Content = new JsonObject { ["problem"] = problem }.ToJsonString(),
        ContentType = Json,
    };
}
