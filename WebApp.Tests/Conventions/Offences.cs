using Xunit;

namespace WebApp.Tests.Conventions;

/// <summary>Shows every offence in full, which <c>Assert.Empty</c> cuts off.</summary>
internal static class Offences
{
    public static void AssertNone(this IEnumerable<string> offences)
    {
        var all = string.Join(Environment.NewLine, offences);
        if (all.Length > 0)
        {
            Assert.Fail(all);
        }
    }
}
