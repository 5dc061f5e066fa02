using System.Text.RegularExpressions;
using System.Xml.Linq;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Conventions;

/// <summary>What people read has a name and stands in every language; nothing else is said to them.</summary>
public sealed partial class TextsTests
{
    private const string English = "Texts.resx";
    private const string Chinese = "Texts.zh.resx";

    /// <summary>Texts that are the same in both languages.</summary>
    private static readonly HashSet<string> Alike = ["Moment.Today", "Kept.Size"];

    /// <summary>Words that pages may hold as they are.</summary>
    private static readonly string[] Names = ["WebApp"];

    private static readonly Dictionary<string, string> InEnglish = Read(English);
    private static readonly Dictionary<string, string> InChinese = Read(Chinese);
    private static readonly IReadOnlyList<SourceFile> Pages = [.. SourceFile.Of("WebApp").Where(file => file.Room == "Pages")];

    private static readonly HashSet<string> Sections = [.. InEnglish.Keys.Select(key => key.Split('.')[0])];

    [Fact]
    public void Every_text_that_is_named_is_there_in_every_language() => (
        from use in Uses()
        from file in new[] { English, Chinese }
        where !Read(file).ContainsKey(use.Key)
        select $"{use.Path}: {use.Key} is not in {file}").AssertNone();

    [Fact]
    public void Every_text_is_used() => InEnglish.Keys.Except(Uses().Select(use => use.Key)).AssertNone();

    [Fact]
    public void All_languages_have_the_same_texts_in_the_same_order() => Assert.Equal(InEnglish.Keys, InChinese.Keys);

    [Fact]
    public void All_languages_fill_in_the_same_things() => (
        from text in InEnglish
        where InChinese.ContainsKey(text.Key)
        let chinese = InChinese[text.Key]
        where !Placeholders(text.Value).SetEquals(Placeholders(chinese)) || !Tags(text.Value).SetEquals(Tags(chinese))
        select $"{text.Key}: {text.Value} | {chinese}").AssertNone();

    [Fact]
    public void Every_text_is_translated() => Assert.Equal(
        Alike.Order(), InEnglish.Where(text => InChinese.GetValueOrDefault(text.Key) == text.Value).Select(text => text.Key).Order());

    /// <summary>Commas, colons and full stops of the width of the characters.</summary>
    [Fact]
    public void Chinese_is_punctuated_as_Chinese() => (
        from text in InChinese
        where HalfWidth().IsMatch(text.Value)
        select $"{text.Key}: {text.Value}").AssertNone();

    [Fact]
    public void No_page_says_anything_of_its_own() => (
        from file in Pages
        where file.Path.EndsWith(".cshtml", StringComparison.Ordinal)
        from words in RazorMarkup.Of(file).Words
        where Letters().IsMatch(Names.Aggregate(words, (text, name) => text.Replace(name, "", StringComparison.Ordinal)))
        select $"{file.Path}: {words}").AssertNone();

    /// <summary>A sentence in the C# of a page, be it for the page or for whoever reads its title.</summary>
    [Fact]
    public void No_code_of_a_page_says_anything_of_its_own() => (
        from file in Pages
        from line in file.Path.EndsWith(".cs", StringComparison.Ordinal) ? file.Lines : RazorMarkup.Of(file).Code
        let code = Remarks().Replace(line, "")
        from saying in Quotes().Matches(code).Where(quote => Sentences().IsMatch(quote.Value)).Concat(Titles().Matches(code))
        select $"{file.Path}: {saying.Value}").AssertNone();

    [Theory]
    [InlineData("<p>Hello</p>", "Hello")]
    [InlineData("@if (a > 0)\n{\n  <p>@T[\"A.B\", x.Y(\")\")] left</p>\n}\nelse if (b)\n{\n  <b title=\"Hello\"></b>\n}\nelse\n{\n}", "left", "Hello")]
    [InlineData("@{ var a = \"}\"; }\n@* a remark *@<a title='@(x ? \"y\" : null)' alt=\"so @x?.Y!.Z\">a@@b, @Model.Count.</a>", "a@b, .", "so")]
    public void What_a_page_says_of_its_own_is_found(string source, params string[] said) =>
        Assert.Equal(said, RazorMarkup.Of(source).Words.Where(words => Letters().IsMatch(words)));

    private static Dictionary<string, string> Read(string file) => XDocument
        .Load(Path.Combine(Repository.Root.FullName, "WebApp", "Pages", file)).Root!.Elements("data")
        .ToDictionary(text => text.Attribute("name")!.Value, text => text.Element("value")!.Value);

    /// <summary>
    /// Whatever stands where the name of a text belongs, and whatever looks like one: a literal that begins with the name of a
    /// section.
    /// </summary>
    private static IEnumerable<(string Path, string Key)> Uses() =>
        from file in Pages
        from line in file.Lines
        from key in KeysOf(line).Distinct()
        select (file.Path, key);

    private static IEnumerable<string> KeysOf(string line)
    {
        foreach (Match counted in Counted().Matches(line))
        {
            var key = counted.Groups[1].Value;
            foreach (var form in new[] { "None", "One", "Many" })
            {
                yield return $"{key}.{form}";
            }
        }

        var rest = Counted().Replace(line, "");
        foreach (Match named in Named().Matches(rest))
        {
            yield return named.Groups[1].Value;
        }

        foreach (Match literal in Literals().Matches(rest).Where(literal => Sections.Contains(literal.Groups[1].Value.Split('.')[0])))
        {
            yield return literal.Groups[1].Value;
        }
    }

    private static HashSet<string> Placeholders(string text) => [.. Places().Matches(text).Select(place => place.Value)];

    private static HashSet<string> Tags(string text) => [.. Markup().Matches(text).Select(tag => tag.Value)];

    [GeneratedRegex("""\bCounted\("([^"]*)"(?=\s*,)""")]
    private static partial Regex Counted();

    [GeneratedRegex("""
        (?:\b(?:T|H|texts)\[|\bErrorMessage\s*=\s*)"([^"]*)"
        """)]
    private static partial Regex Named();

    [GeneratedRegex("""
        "(\w+(?:\.\w+)+)"
        """)]
    private static partial Regex Literals();

    [GeneratedRegex("\"[^\"]*\"")]
    private static partial Regex Quotes();

    /// <summary>Two words in a row.</summary>
    [GeneratedRegex(@"\p{L} \p{L}")]
    private static partial Regex Sentences();

    [GeneratedRegex("""
        \["Title"\]\s*=\s*\$?"[^"]*"
        """)]
    private static partial Regex Titles();

    [GeneratedRegex(@"\{\d+(?::[^}]*)?\}")]
    private static partial Regex Places();

    [GeneratedRegex("</?[a-z][^>]*>")]
    private static partial Regex Markup();

    [GeneratedRegex(@"[\u4e00-\u9fff][,.:;!?()]|[,.:;!?()][\u4e00-\u9fff]")]
    private static partial Regex HalfWidth();

    [GeneratedRegex("//.*")]
    private static partial Regex Remarks();

    [GeneratedRegex(@"\p{L}")]
    private static partial Regex Letters();
}
