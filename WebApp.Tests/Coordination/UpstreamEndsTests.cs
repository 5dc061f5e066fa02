using WebApp.Coordination;
using WebApp.Telemetry;
using WebApp.Tests.Fixtures;
using WebApp.Tests.Storage;
using Xunit;

namespace WebApp.Tests.Coordination;

/// <summary>The issuer is told of tokens that nobody is to use any more, behind the requests' backs.</summary>
public sealed class UpstreamEndsTests : UpstreamBench
{
    [Fact]
    public async Task What_is_told_to_the_issuer_is_not_told_in_the_log()
    {
        var ends = await Store.StartAsync<UpstreamEnds>();
        ends.Queue(First);

        await ends.StopAsync(CancellationToken.None);

        Assert.Equal([First.Refresh], Issuer.Ended);
        Assert.Equal(0, Told(LogEvents.UpstreamNotEnded));
    }

    [Fact]
    public async Task An_issuer_that_cannot_be_told_is_named_in_the_log_and_the_next_is_told()
    {
        Issuer.IsDeaf = true;
        var ends = await Store.StartAsync<UpstreamEnds>();
        ends.Queue(First);
        await Store.Logs.HeardAsync(LogEvents.UpstreamNotEnded);

        Issuer.IsDeaf = false;
        var second = Issuer.Issue();
        ends.Queue(second);
        await ends.StopAsync(CancellationToken.None);

        Assert.Equal([second.Refresh], Issuer.Ended);
        Assert.Equal(1, Told(LogEvents.UpstreamNotEnded));
    }

    [Fact]
    public async Task A_session_that_cannot_be_looked_up_is_named_in_the_log_and_the_next_is_told()
    {
        var ends = await Store.StartAsync<UpstreamEnds>();
        Store.Probe.FailBefore(Sql.ReadSession, times: 1);
        await Store.RevokeAsync(Token.Session);
        await Store.Logs.HeardAsync(LogEvents.UpstreamNotEnded);

        ends.Queue(First);
        await ends.StopAsync(CancellationToken.None);

        Assert.Equal([First.Refresh], Issuer.Ended);
    }

    [Fact]
    public async Task A_session_without_tokens_of_the_issuer_is_none_of_its_affairs()
    {
        var stranger = await OpenAsync(tokens: null);
        var ends = await Store.StartAsync<UpstreamEnds>();
        await Store.RevokeAsync(stranger.Session);

        await ends.StopAsync(CancellationToken.None);

        Assert.Empty(Issuer.Ended);
        Assert.Equal(0, Told(LogEvents.UpstreamNotEnded));
    }

    /// <summary>Scenario 19.</summary>
    [Fact]
    public async Task An_orderly_end_waits_for_what_waits_to_be_told()
    {
        Issuer.BeforeEnd = new Gate();
        var ends = await Store.StartAsync<UpstreamEnds>();
        ends.Queue(First);
        var second = Issuer.Issue();
        ends.Queue(second);
        await Issuer.BeforeEnd.Arrived;

        var stopping = ends.StopAsync(CancellationToken.None);
        Assert.False(stopping.IsCompleted);
        Issuer.BeforeEnd.Open();
        await stopping.InTime();

        Assert.Equal([First.Refresh, second.Refresh], Issuer.Ended);
    }

    [Fact]
    public async Task An_issuer_that_is_too_slow_does_not_keep_the_host_from_ending()
    {
        Issuer.BeforeEnd = new Gate();
        var ends = await Store.StartAsync<UpstreamEnds>();
        ends.Queue(First);
        await Issuer.BeforeEnd.Arrived;
        using var patience = new CancellationTokenSource();

        var stopping = ends.StopAsync(patience.Token);
        await patience.CancelAsync();
        await stopping.InTime();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ends.ExecuteTask!.InTime());
        Assert.Empty(Issuer.Ended);
    }

    [Fact]
    public async Task What_never_began_ends_at_once()
    {
        await Store.Get<UpstreamEnds>().StopAsync(CancellationToken.None).InTime();

        Assert.Empty(Issuer.Ended);
    }
}
