using System.Reflection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using WebApp.Composition;
using WebApp.Configuration;
using WebApp.Tests.Fixtures;
using Xunit;

namespace WebApp.Tests.Configuration;

/// <summary>Every key of the configuration, with nonsense in it.</summary>
public sealed class BadConfigurationTests
{
    private const string TimeSpans = "must be a time span such as 00:05:00 or 14.00:00:00";
    private const string Lifetimes = "must be longer than zero and at most 3650.00:00:00";
    private const string Database = "must be a SQLite connection string that names a file, such as 'Data Source=App_Data/webapp.db', " +
        "or a PostgreSQL one that begins with a host and names a database, such as 'Host=localhost;Database=webapp;Username=webapp'";
    private const string Redis = "must be empty or a StackExchange.Redis configuration that names a host, such as '127.0.0.1:6379'";

    private const string Node = "must be an http or https address with nothing behind the port, such as 'http://127.0.0.1:5080'";

    private static readonly string[] Lifespans = ["AccessTokenLifetime", "IdleTimeout", "AbsoluteLifetime", "ReplayWindow"];

    /// <summary>A key, a value that cannot be read, and what is wanted instead.</summary>
    public static TheoryData<string, string, string> Unreadable
    {
        get
        {
            var cases = new TheoryData<string, string, string>
            {
                { "Sessions:Jitter", "a bit", "must be a number such as 0.05" },
                { "Sessions:Jitter", "0,05", "must be a number such as 0.05" },
                { "Sessions:Jitter", "", "must be a number such as 0.05" },
                { "Sessions:Explain", "2", "must be true or false" },
                { "Sessions:Jitter:Most", "0.1", "Sessions:Jitter holds one value and no keys" },
                { "Accounts:AllowRegistration", "maybe", "must be true or false" },
                { "Accounts:AllowRegistration", "", "must be true or false" },
                { "Accounts:Seed", "ada", "must be a list: Accounts:Seed:0, Accounts:Seed:1 and so on" },
                { "Upstream:Kind", "OpenIdConnect", "must be None or SimpleJwt" },
                { "Upstream:Kind", "7", "must be None or SimpleJwt" },
                { "Upstream:Kind", "", "must be None or SimpleJwt" },
                { "Upstream:Timeout", "10", "must be a time span such as 00:05:00 or 14.00:00:00" },
                { "Sessions:WithoutRedis", "Maybe", "must be Refuse or SingleNode" },
                { "Lab:Enabled", "yes, please", "must be true or false" },
                { "Lab:Nodes", "http://127.0.0.1:5080", "must be a list: Lab:Nodes:0, Lab:Nodes:1 and so on" },
                { "Upstream", "SimpleJwt", "must be a section with the keys Kind, BaseAddress, SigningKey, JwksUri, Timeout" },
            };
            foreach (var key in (string[])[.. Lifespans, "LockLease", "LockWait"])
            {
                // 300 would be three hundred days, and 24:00:00 twenty-four.
                foreach (var value in (string[])["soon", "", "300", "24:00:00", "00:00:60", "1e3"])
                {
                    cases.Add($"Sessions:{key}", value, TimeSpans);
                }
            }

            return cases;
        }
    }

    /// <summary>A key, a value that breaks its rule, and the rule.</summary>
    public static TheoryData<string, string, string> Forbidden
    {
        get
        {
            var cases = new TheoryData<string, string, string>
            {
                { "Sessions:Jitter", "-0.1", "must be between 0 and 0.5" },
                { "Sessions:Jitter", "0.51", "must be between 0 and 0.5" },
                { "Sessions:Jitter", "NaN", "must be between 0 and 0.5" },
                { "Sessions:LockLease", "00:00:00", "must be at least 00:00:00.1 and at most 01:00:00" },
                { "Sessions:LockLease", "-00:00:10", "must be at least 00:00:00.1 and at most 01:00:00" },
                { "Sessions:LockLease", "50.00:00:00", "must be at least 00:00:00.1 and at most 01:00:00" },
                { "Sessions:LockWait", "00:00:00", "must be longer than zero and at most 01:00:00" },
                { "Sessions:LockWait", "-00:00:05", "must be longer than zero and at most 01:00:00" },
                { "Sessions:LockWait", "50.00:00:00", "must be longer than zero and at most 01:00:00" },
                { "Sessions:Issuer", "", "must not be empty" },
                { "Sessions:Issuer", " ", "must not be empty" },
                { "Sessions:Audience", "", "must not be empty" },
                { "Sessions:Algorithm", "none", "must be one of ES256, RS256, HS256" },
                { "Sessions:Algorithm", "es256", "must be one of ES256, RS256, HS256" },
                { "Sessions:Algorithm", "", "must be one of ES256, RS256, HS256" },
                { "ConnectionStrings:Database", "", Database },
                { "ConnectionStrings:Database", "webapp.db", Database },
                { "ConnectionStrings:Database", "Data Source=", Database },
                { "ConnectionStrings:Database", "Data Source=:memory:", Database },
                { "ConnectionStrings:Database", "Data Source=a.db;Mode=Memory", Database },
                { "ConnectionStrings:Database", "Data Source=a.db;Mode=Fast", Database },
                { "ConnectionStrings:Database", "Data Source=a.db;Default Timeout=long", Database },
                { "ConnectionStrings:Database", "Data Source=a.db;Colour=red", Database },
                { "ConnectionStrings:Database", "Host=db", Database },
                { "ConnectionStrings:Database", "Host=;Database=webapp", Database },
                { "ConnectionStrings:Database", "Host=db;Database=webapp;Colour=red", Database },
                { "ConnectionStrings:Database", "Database=webapp;Host=db", Database },
                { "Upstream:BaseAddress", "https://issuer.example/", "has no meaning while Upstream:Kind is None" },
                { "Upstream:JwksUri", "https://issuer.example/keys", "has no meaning while Upstream:Kind is None" },
                { "Lab:Nodes:0", "", Node },
                { "Lab:Nodes:0", "127.0.0.1:5080", Node },
                { "Lab:Nodes:0", "ftp://127.0.0.1", Node },
                { "Lab:Nodes:0", "http://127.0.0.1:5080/lab", Node },
                { "ConnectionStrings:Redis", " ", Redis },
                { "ConnectionStrings:Redis", "abortConnect=false", Redis },
                { "ConnectionStrings:Redis", "127.0.0.1:99999", Redis },
                { "ConnectionStrings:Redis", "127.0.0.1:6379,colour=red", Redis },
                { "ConnectionStrings:Redis", "127.0.0.1:6379,connectTimeout=long", Redis },
                { "ConnectionStrings:Redis", "redis://127.0.0.1:6379", Redis },
            };
            foreach (var key in Lifespans)
            {
                foreach (var value in (string[])["00:00:00", "-00:05:00", "3651.00:00:00", "10675199.02:48:05.4775807"])
                {
                    cases.Add($"Sessions:{key}", value, Lifetimes);
                }
            }

            return cases;
        }
    }

    /// <summary>A key that does not exist, or not yet, and the keys that do.</summary>
    public static TheoryData<string, string> Unknown => new()
    {
        { "Sessions:AccesTokenLifetime", "AccessTokenLifetime, IdleTimeout" },
        { "ConnectionStrings:Postgres", "Database, Redis" },
        { "Accounts:Seeds", "AllowRegistration, Seed" },
        { "Accounts:Seed:0:Name", "UserName, Password, Roles" },
        { "Lab:Node", "Enabled, Nodes" },
        { "Upstream:BaseAdress", "Kind, BaseAddress, SigningKey, JwksUri, Timeout" },
    };

    [Theory]
    [MemberData(nameof(Unreadable))]
    public void A_value_that_cannot_be_read_stops_the_start_with_one_sentence(string key, string value, string rule) =>
        Assert.Equal([$"{key} is '{value}', but {rule}."], Complaints((key, value)));

    [Theory]
    [MemberData(nameof(Forbidden))]
    public void A_value_that_breaks_its_rule_stops_the_start_with_one_sentence(string key, string value, string rule) =>
        Assert.Equal([$"{key} is '{value}', but {rule}."], Complaints((key, value)));

    [Theory]
    [MemberData(nameof(Unknown))]
    public void A_key_that_does_not_exist_stops_the_start_with_one_sentence(string key, string known)
    {
        var complaint = Assert.Single(Complaints((key, "x")));
        Assert.StartsWith($"{key} is 'x', but there is no such key; the keys here are {known}", complaint, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_key_is_tried_with_nonsense()
    {
        // The signing key is a secret, and no sentence repeats it: A_complaint_shows_no_secret, and UpstreamConfigurationTests.
        var tried = Unreadable.Concat(Forbidden).Select(each => each.Data.Item1).Append("Upstream:SigningKey").ToHashSet();
        Type[] sections = [typeof(ConnectionsOptions), typeof(SessionsOptions), typeof(AccountsOptions), typeof(UpstreamOptions), typeof(LabOptions)];
        foreach (var type in sections)
        {
            var section = type.GetField("Section", BindingFlags.Public | BindingFlags.Static)!.GetRawConstantValue();
            Assert.All(type.GetProperties(), property => Assert.Contains($"{section}:{property.Name}", tried));
        }
    }

    [Theory]
    [InlineData("00:02:22", true)]
    [InlineData("00:02:23", false)]
    public void The_replay_window_is_at_most_half_of_the_shortest_access_token_lifetime(string window, bool holds) => AssertHolds(
        holds,
        $"Sessions:ReplayWindow is '{window}', but must be at most half of the shortest access token lifetime, " +
        "(1 - Jitter) x AccessTokenLifetime = 00:04:45.",
        ("Sessions:ReplayWindow", window));

    [Theory]
    [InlineData("00:05:30.1", true)]
    [InlineData("00:05:30", false)]
    public void The_idle_timeout_is_longer_than_an_access_token_and_a_window(string idle, bool holds) => AssertHolds(
        holds,
        $"Sessions:IdleTimeout is '{idle}', but must be longer than AccessTokenLifetime + ReplayWindow = 00:05:30.",
        ("Sessions:IdleTimeout", idle));

    [Theory]
    [InlineData("14.00:00:00", true)]
    [InlineData("13.23:59:59", false)]
    public void The_absolute_lifetime_is_at_least_the_idle_timeout(string absolute, bool holds) => AssertHolds(
        holds,
        $"Sessions:AbsoluteLifetime is '{absolute}', but must be at least IdleTimeout = 14.00:00:00.",
        ("Sessions:AbsoluteLifetime", absolute));

    [Fact]
    public void A_seed_without_a_name_stops_the_start_with_one_sentence() => Assert.Equal(
        ["Accounts:Seed:0:UserName is '', but must not be empty."],
        Complaints(("Accounts:Seed:0:Password", "Correct-Horse-1")));

    [Fact]
    public void A_seed_that_names_an_account_again_stops_the_start_with_one_sentence() => Assert.Equal(
        ["Accounts:Seed:1:UserName is 'ADA', but must not name an account twice."],
        Complaints(
            ("Accounts:Seed:0:UserName", "ada"), ("Accounts:Seed:0:Password", "Correct-Horse-1"),
            ("Accounts:Seed:1:UserName", "ADA"), ("Accounts:Seed:1:Password", "Correct-Horse-2")));

    [Fact]
    public void A_seed_with_a_short_password_stops_the_start_without_showing_it() => Assert.Equal(
        ["Accounts:Seed:0:Password is '***', but must have at least 10 characters (account 'ada')."],
        Complaints(("Accounts:Seed:0:UserName", "ada"), ("Accounts:Seed:0:Password", "hunter2")));

    [Theory]
    [InlineData("ConnectionStrings:Database", "Host=db;Username=me;Password=hunter2", "Host=db;Username=me;Password=***")]
    [InlineData("ConnectionStrings:Database", "Host=db;pwd = 'a;hunter2';Port=1", "Host=db;pwd=***")]
    [InlineData("ConnectionStrings:Database", "postgres://me:hunter2@db/app", "postgres://***@db/app")]
    [InlineData("ConnectionStrings:Redis", "cache,password=hunter2,colour=red", "cache,password=***")]
    [InlineData("ConnectionStrings:Redis", "redis://:hunter2@cache", "redis://***@cache")]
    [InlineData("ConnectionStrings:Redsi", "cache,password=hunter2", "cache,password=***")]
    [InlineData("Accounts:Seed:0:Pasword", "hunter2", "***")]
    [InlineData("Upstream:SigningKey", "hunter2", "***")]
    public void A_complaint_shows_no_secret(string key, string value, string shown)
    {
        var complaint = Assert.Single(Complaints((key, value)));
        Assert.StartsWith($"{key} is '{shown}', but ", complaint, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", complaint, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_of_several_mistakes_has_its_sentence() => Assert.Equal(
        [
            "Sessions:LockWait is 'soon', but must be a time span such as 00:05:00 or 14.00:00:00.",
            "Sessions:Foo is '1', but there is no such key; the keys here are " +
                string.Join(", ", typeof(SessionsOptions).GetProperties().Select(property => property.Name)) + ".",
            "Accounts:AllowRegistration is 'maybe', but must be true or false.",
        ],
        Complaints(("Sessions:LockWait", "soon"), ("Sessions:Foo", "1"), ("Accounts:AllowRegistration", "maybe")).Order().Reverse());

    [Theory]
    [InlineData("Host=db;Database=webapp")]
    [InlineData(" host = db;Port=5433;Database=webapp;Username=me;Password=hunter2;Maximum Pool Size=50")]
    public void A_PostgreSQL_connection_string_is_sound(string database) =>
        Assert.Empty(Complaints(("ConnectionStrings:Database", database)));

    [Fact]
    public void The_settings_that_come_with_the_site_are_sound() => Assert.Empty(Complaints());

    private static void AssertHolds(bool holds, string sentence, (string Key, string Value) setting) =>
        Assert.Equal(holds ? [] : [sentence], Complaints(setting));

    /// <summary>What the site says to its own settings with these in their place.</summary>
    internal static IReadOnlyList<string> Complaints(params (string Key, string Value)[] settings)
    {
        var configuration = new ConfigurationBuilder()
            .AddJsonFile(Path.Combine(Repository.Root.FullName, "appsettings.json"))
            .AddInMemoryCollection(settings.ToDictionary(setting => setting.Key, setting => (string?)setting.Value))
            .Build();
        var services = new ServiceCollection().AddSingleton<IConfiguration>(configuration);
        services.AddConfiguration();
        using var provider = services.BuildServiceProvider();
        var failure = Record.Exception(() => provider.GetRequiredService<IStartupValidator>().Validate());
        return failure switch
        {
            null => [],
            OptionsValidationException invalid => [.. invalid.Failures],
            AggregateException several => [.. several.InnerExceptions.Cast<OptionsValidationException>().SelectMany(each => each.Failures)],
            _ => [failure.ToString()],
        };
    }
}
