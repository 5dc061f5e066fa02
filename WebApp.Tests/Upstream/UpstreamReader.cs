using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using WebApp.Configuration;
using WebApp.Tests.Fixtures;
using WebApp.Upstream;
using WebApp.Upstream.SimpleJwt;

namespace WebApp.Tests.Upstream;

/// <summary>Reads tokens as a site does that was told of this key, or of a key set.</summary>
internal sealed class UpstreamReader : IDisposable
{
    private readonly ILoggerFactory loggers;
    private readonly UpstreamKeys keys;
    private readonly SimpleJwtTokens tokens;

    private UpstreamReader(UpstreamOptions options)
    {
        options.BaseAddress = "https://issuer.example:8443/auth/";
        loggers = LoggerFactory.Create(logs => logs.AddProvider(Logs));
        keys = new UpstreamKeys(Options.Create(options), Set, Time, loggers.CreateLogger<UpstreamKeys>());
        tokens = new SimpleJwtTokens(keys, Options.Create(options), Time);
    }

    public FakeTimeProvider Time { get; } = new(The.Beginning);

    public StubKeySet Set { get; } = new();

    public LogProbe Logs { get; } = new();

    public static UpstreamReader Of(IssuerKey key) => new(new UpstreamOptions { SigningKey = key.Text });

    public static UpstreamReader OfSet(params IssuerKey[] keys)
    {
        var reader = new UpstreamReader(new UpstreamOptions { JwksUri = StubKeySet.Address });
        reader.Set.Keys = keys;
        return reader;
    }

    public Task<UpstreamAnswer?> ReadAsync(string access, CancellationToken cancellation = default) =>
        tokens.ReadAsync(access, "a refresh token", "whoever signed in", cancellation).InTime();

    public void Dispose()
    {
        keys.Dispose();
        Set.Dispose();
        loggers.Dispose();
        NoTokens.In(Logs);
    }
}
