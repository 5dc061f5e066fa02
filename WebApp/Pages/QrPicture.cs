using System.Collections;
using System.Globalization;
using System.Text;
using QRCoder;

namespace WebApp.Pages;

/// <summary>
/// A QR code as one path of an SVG, in colours of the style sheet. Drawn from the library's modules: its own SVG brings colours and
/// sizes as attributes, and nothing to say to whoever does not see it.
/// </summary>
internal static class QrPicture
{
    /// <summary>The rows of modules, the quiet zone around them included.</summary>
    public static IReadOnlyList<BitArray> Of(string text)
    {
        using var code = QRCodeGenerator.GenerateQrCode(text, QRCodeGenerator.ECCLevel.M);
        return code.ModuleMatrix;
    }

    public static string ViewBox(IReadOnlyList<BitArray> rows) =>
        string.Create(CultureInfo.InvariantCulture, $"0 0 {rows.Count} {rows.Count}");

    /// <summary>A square for each dark module.</summary>
    public static string Path(IReadOnlyList<BitArray> rows)
    {
        var path = new StringBuilder();
        for (var y = 0; y < rows.Count; y++)
        {
            for (var x = 0; x < rows[y].Count; x++)
            {
                if (rows[y][x])
                {
                    path.Append(CultureInfo.InvariantCulture, $"M{x},{y}h1v1h-1z");
                }
            }
        }

        return path.ToString();
    }
}
