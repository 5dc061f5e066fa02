using WebApp.Sessions;
using WebApp.Storage;
using WebApp.Tokens;

namespace WebApp.Tests.Sessions;

/// <summary>A session that has these tokens to call an API with, one after the other, and writes down what it was told of them.</summary>
internal sealed class StubUserSession(params ApiToken[] tokens) : IUserSession
{
    private readonly Queue<ApiToken> tokens = new(tokens);

    /// <summary>Each time it was asked, the token that the API had refused.</summary>
    public List<string?> Asked { get; } = [];

    public SessionGlance? Current => null;

    public RefusalReason? Refusal => null;

    public bool IsUnavailable => false;

    public bool CanSignIn => false;

    public ClientInfo Client => ClientInfo.Of(null, null);

    public Task<ApiToken> GetApiTokenAsync(string? refused)
    {
        Asked.Add(refused);
        return Task.FromResult(tokens.Dequeue());
    }

    public Task<bool> SignInAsync(AccountProof proof, bool remember) => throw new NotSupportedException();

    public Task SignOutAsync() => throw new NotSupportedException();
}
