using Microsoft.Extensions.Options;

namespace WebApp.Configuration;

/// <summary>The section <c>Lab</c> of the configuration: the page that fires a storm at the running site.</summary>
internal sealed class LabOptions
{
    public const string Section = "Lab";
    public const string EnabledKey = Section + ":" + nameof(Enabled);

    /// <summary>Whether <c>/lab</c> is there outside Development, for administrators. In Development it is there for everybody.</summary>
    public bool Enabled { get; set; }

    /// <summary>The base addresses of the nodes to fire at. Empty: the address that this process listens on.</summary>
    public List<string> Nodes { get; set; } = [];
}

/// <summary>What the values of <see cref="LabOptions"/> must satisfy.</summary>
internal sealed class LabRules : IValidateOptions<LabOptions>
{
    public ValidateOptionsResult Validate(string? name, LabOptions options)
    {
        var complaints = new Complaints(LabOptions.Section);
        foreach (var (index, node) in options.Nodes.Index())
        {
            complaints.Unless(
                IsBaseAddress(node), $"{nameof(options.Nodes)}:{index}", node,
                "must be an http or https address with nothing behind the port, such as 'http://127.0.0.1:5080'");
        }

        return complaints.Result();
    }

    private static bool IsBaseAddress(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var address)
        && (address.Scheme == Uri.UriSchemeHttp || address.Scheme == Uri.UriSchemeHttps)
        && address.PathAndQuery == "/" && address.UserInfo.Length == 0 && address.Fragment.Length == 0;
}
