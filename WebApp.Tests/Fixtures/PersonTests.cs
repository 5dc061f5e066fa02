using System.Net.Sockets;
using Xunit;

namespace WebApp.Tests.Fixtures;

/// <summary>What a person takes for an answer that was lost on the way, which only luck would show.</summary>
public sealed class PersonTests
{
    public static TheoryData<Exception> OnTheWay =>
    [
        new HttpRequestException("refused", new SocketException((int)SocketError.ConnectionRefused)),
        new IOException("reset", new SocketException((int)SocketError.ConnectionReset)),
        new SocketException((int)SocketError.ConnectionReset),
        new TaskCanceledException(),
    ];

    [Theory]
    [MemberData(nameof(OnTheWay), DisableDiscoveryEnumeration = true)]
    public async Task Whatever_breaks_the_line_loses_one_answer_and_no_cookie(Exception fault)
    {
        var journal = new Journal();
        using var client = Broken(fault);
        var held = new CookiePair("access", "refresh");
        var person = new Person("ada", client, journal, The.WallClock) { Pair = held };

        await person.FetchAsync();

        Assert.Equal(1, journal.Lost);
        Assert.Equal(held, person.Pair);
        journal.AssertNobodyWasSignedOut();
    }

    [Fact]
    public async Task A_mistake_of_the_test_is_no_lost_answer()
    {
        var journal = new Journal();
        using var client = Broken(new InvalidOperationException());
        var person = new Person("ada", client, journal, The.WallClock);

        await Assert.ThrowsAsync<InvalidOperationException>(person.FetchAsync);
        Assert.Equal(0, journal.Lost);
    }

    private static HttpClient Broken(Exception fault) => new(new BrokenLine(fault)) { BaseAddress = new Uri("http://site.test") };

    private sealed class BrokenLine(Exception fault) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken aborted) =>
            Task.FromException<HttpResponseMessage>(fault);
    }
}
