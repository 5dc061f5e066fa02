using System.Text;
using AngleSharp.Dom;
using AngleSharp.Html.Parser;

namespace WebApp.Tests.Conventions;

/// <summary>
/// A Razor file without its C#: what is left is said to people as it stands there. Knows as much of Razor as the pages use; what
/// it does not know it takes for text, and somebody is told.
/// </summary>
internal sealed class RazorMarkup
{
    private static readonly string[] Directives = ["page", "model", "using", "inject", "attribute", "namespace", "addTagHelper"];
    private static readonly string[] Statements = ["if", "foreach", "for", "while", "switch", "using"];

    /// <summary>Attributes whose values people see or hear.</summary>
    private static readonly string[] Spoken = ["title", "alt", "aria-label", "aria-description", "placeholder", "label", "value"];

    private readonly string source;
    private readonly StringBuilder markup = new();
    private readonly List<string> code = [];
    private int at;

    private RazorMarkup(string source)
    {
        this.source = source;
        Part();
        Words = Read(markup.ToString());
    }

    /// <summary>The words between tags and in attributes, without those that C# puts there.</summary>
    public IReadOnlyList<string> Words { get; }

    /// <summary>The pieces of C#.</summary>
    public IReadOnlyList<string> Code => code;

    public static RazorMarkup Of(SourceFile file) => Of(string.Join('\n', file.Lines));

    public static RazorMarkup Of(string source) => new(source);

    private static IReadOnlyList<string> Read(string markup)
    {
        var document = new HtmlParser().ParseDocument(markup);
        var between = document.Descendants<IText>()
            .Where(text => text.ParentElement?.LocalName is not ("script" or "style"))
            .Select(text => text.Data);
        var within = document.All.SelectMany(element => Spoken.Select(element.GetAttribute).OfType<string>());
        return [.. between.Concat(within).Select(text => text.Trim()).Where(text => text.Length > 0)];
    }

    private void Part()
    {
        while (at < source.Length)
        {
            if (source[at] == '@')
            {
                var start = at++;
                SkipCode();
                code.Add(source[start..at]);
            }
            else if (source[at] == '}')
            {
                at++;
                SkipElse();
            }
            else
            {
                markup.Append(source[at++]);
            }
        }
    }

    private void SkipCode()
    {
        switch (source[at])
        {
            case '@':
                markup.Append(source[at++]);
                return;
            case '*':
                at = source.IndexOf("*@", at, StringComparison.Ordinal) + 2;
                return;
            case '{' or '(':
                SkipGroup();
                return;
        }

        var word = SkipName();
        if (Directives.Contains(word) && !Follows('('))
        {
            at = source.IndexOf('\n', at) is >= 0 and var end ? end : source.Length;
        }
        else if (Statements.Contains(word))
        {
            SkipBlanks();
            SkipGroup();
        }
        else
        {
            SkipRestOfExpression();
        }
    }

    /// <summary>Members, indexers and calls after a name.</summary>
    private void SkipRestOfExpression()
    {
        while (at < source.Length)
        {
            if (source[at] is '(' or '[')
            {
                SkipGroup();
            }
            else if (source[at] is '!' or '?' && at + 1 < source.Length && source[at + 1] is '.' or '[' or '(')
            {
                at++;
            }
            else if (source[at] == '.' && at + 1 < source.Length && char.IsLetter(source[at + 1]))
            {
                at++;
                SkipName();
            }
            else
            {
                return;
            }
        }
    }

    private void SkipElse()
    {
        var before = at;
        SkipBlanks();
        if (SkipName() != "else")
        {
            at = before;
            return;
        }

        before = at;
        SkipBlanks();
        if (SkipName() != "if")
        {
            at = before;
            return;
        }

        SkipBlanks();
        SkipGroup();
    }

    /// <summary>From a bracket to the one that closes it. Brackets within quotes do not count.</summary>
    private void SkipGroup()
    {
        var depth = 0;
        do
        {
            switch (source[at++])
            {
                case '(' or '[' or '{':
                    depth++;
                    break;
                case ')' or ']' or '}':
                    depth--;
                    break;
                case '"':
                    at = source.IndexOf('"', at) + 1;
                    break;
            }
        }
        while (depth > 0);
    }

    private string SkipName()
    {
        var start = at;
        while (at < source.Length && (char.IsLetterOrDigit(source[at]) || source[at] == '_'))
        {
            at++;
        }

        return source[start..at];
    }

    private void SkipBlanks()
    {
        while (at < source.Length && char.IsWhiteSpace(source[at]))
        {
            at++;
        }
    }

    private bool Follows(char next) => at < source.Length && source[at] == next;
}
