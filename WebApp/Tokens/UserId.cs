namespace WebApp.Tokens;

/// <summary>The <c>sub</c> of a person: the key of a local account.</summary>
internal readonly record struct UserId(string Value)
{
    public override string ToString() => Value;
}
