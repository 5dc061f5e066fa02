using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using WebApp.Composition;
using WebApp.Configuration;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Configuration;

/// <summary>What an operator sees of a start that fails: one sentence, the exit code 1, and no stack trace.</summary>
public sealed class FailedStartTests
{
    [Theory]
    [InlineData("Sessions:AccessTokenLifetime", "soon", "Sessions:AccessTokenLifetime is 'soon', but must be a time span such as 00:05:00 or 14.00:00:00.")]
    [InlineData("Sessions:Jitter", "2", "Sessions:Jitter is '2', but must be between 0 and 0.5.")]
    [InlineData("Sessions:WithoutRedi", "Refuse", "Sessions:WithoutRedi is 'Refuse', but there is no such key; the keys here are ")]
    [InlineData("ConnectionStrings:Database", "Server=db;Password=hunter2", "ConnectionStrings:Database is 'Server=db;Password=***', but must be ")]
    [InlineData("ConnectionStrings:Redis", ":", "ConnectionStrings:Redis is ':', but must be ")]
    [InlineData("ConnectionStrings:Database", "Data Source=/dev/null/webapp.db", "ConnectionStrings:Database is 'Data Source=/dev/null/webapp.db', but no folder can be made there: ")]
    public async Task Nonsense_in_the_configuration_is_explained(string key, string value, string sentence)
    {
        await using var site = BuiltSite.Run("Development", [(key, value)]);
        await AssertExplainsAsync(site, sentence);
    }

    [Fact]
    public async Task Nonsense_that_two_sections_meet_with_is_told_once()
    {
        await using var site = BuiltSite.Run(
            "Development",
            [
                ("Sessions:Jitter", "2"), ("Upstream:Kind", "SimpleJwt"), ("Upstream:BaseAddress", "https://issuer.example/"),
                ("Upstream:SigningKey", new string('k', 32)),
            ]);
        await AssertExplainsAsync(site, "Sessions:Jitter is '2', but must be between 0 and 0.5.");
    }

    [Fact]
    public async Task A_seed_that_cannot_be_made_is_explained()
    {
        await using var site = BuiltSite.Run("Development", [("Accounts:Seed:0:UserName", "a b")]);
        await AssertExplainsAsync(site, "Accounts:Seed holds the account 'a b', but it cannot be made: ");
    }

    [Fact]
    public Task Another_file_in_the_database_s_place_is_explained() => WithFileAsync("webapp.db", "This is no database.", async file =>
    {
        await using var site = BuiltSite.Run("Production", [("ConnectionStrings:Database", $"Data Source={file}")]);
        await AssertExplainsAsync(site, $"ConnectionStrings:Database is 'Data Source={file}', but the database there cannot be used: ");
    });

    [Fact]
    public Task A_settings_file_that_cannot_be_read_is_explained() => WithFileAsync("appsettings.json", "{ \"Sessions\": , }", async file =>
    {
        await using var site = BuiltSite.Run("Production", [], $"--contentRoot={Path.GetDirectoryName(file)}");
        await AssertExplainsAsync(site, $"Failed to load configuration from file '{file}'.");
    });

    [Fact]
    public async Task An_address_that_is_taken_is_explained()
    {
        await using var first = BuiltSite.Run("Development");
        var taken = await first.AddressAsync();
        await using var second = BuiltSite.Run("Development", [], $"--urls={taken.GetLeftPart(UriPartial.Authority)}");
        Assert.Equal(1, await second.ExitAsync());
        Assert.Equal(
            [$"The site cannot start: Failed to bind to address {taken.GetLeftPart(UriPartial.Authority)}: address already in use."],
            second.Errors);
    }

    [Fact]
    public async Task A_command_that_does_not_exist_is_explained()
    {
        await using var site = BuiltSite.Run("Production", [], "--Sessions:LockWait", "00:00:05", "migrat");
        await AssertExplainsAsync(site, "There is no command 'migrat'; the only one is 'migrate'.");
    }

    /// <summary>Or it would fail in the middle of its work, and the log would tell of that beside the cause.</summary>
    [Fact]
    public async Task What_has_started_ends_before_what_it_works_with_is_disposed_of()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<Tool>().AddSingleton<Worker>();
        builder.Services.AddHostedService(services => services.GetRequiredService<Worker>()).AddHostedService<Culprit>();
        var app = builder.Build();
        var worker = app.Services.GetRequiredService<Worker>();

        await Assert.ThrowsAsync<StartException>(() => app.RunCommandAsync([]));
        await app.DisposeAsync();

        Assert.True(await worker.HadItsTool.InTime());
    }

    private static async Task WithFileAsync(string name, string content, Func<string, Task> test)
    {
        var folder = Directory.CreateTempSubdirectory("webapp-tests-");
        try
        {
            var file = Path.Combine(folder.FullName, name);
            await File.WriteAllTextAsync(file, content);
            await test(file);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task AssertExplainsAsync(BuiltSite site, string sentence)
    {
        Assert.Equal(1, await site.ExitAsync());
        var said = Assert.Single(site.Errors);
        Assert.StartsWith($"The site cannot start: {sentence}", said, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", said, StringComparison.Ordinal);
        Assert.DoesNotContain(site.Output, line => line.Contains("Exception", StringComparison.Ordinal));
        Assert.DoesNotContain(site.Output, line => line.TrimStart().StartsWith("at ", StringComparison.Ordinal));
    }

    private sealed class Tool : IDisposable
    {
        private readonly TaskCompletionSource disposed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Disposed => disposed.Task;

        public void Dispose() => disposed.TrySetResult();
    }

    /// <summary>Takes until somebody waits for its end, or its tool is gone.</summary>
    private sealed class Worker(Tool tool) : BackgroundService
    {
        private readonly TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource awaited = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource<bool> end = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Begun => begun.Task;

        public Task<bool> HadItsTool => end.Task;

        public override Task StopAsync(CancellationToken cancellationToken)
        {
            awaited.TrySetResult();
            return base.StopAsync(cancellationToken);
        }

        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            begun.SetResult();
            await Task.WhenAny(awaited.Task, tool.Disposed);
            end.SetResult(!tool.Disposed.IsCompleted);
        }
    }

    /// <summary>Fails once the work is under way: work that is ended before that never begins.</summary>
    private sealed class Culprit(Worker worker) : IHostedService
    {
        public async Task StartAsync(CancellationToken cancellationToken)
        {
            await worker.Begun.InTime();
            throw new StartException("Something is amiss.");
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
