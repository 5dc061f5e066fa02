using System.Globalization;
using Microsoft.IdentityModel.JsonWebTokens;
using Npgsql;

namespace WebApp.Tests.Fixtures;

/// <summary>A refresh token that Simple JWT has written down.</summary>
/// <param name="Id">Its <c>jti</c>.</param>
/// <param name="Text">The token itself.</param>
/// <param name="Listed">Whether its row names the person. One that came from a refresh is written down when it is spent, without.</param>
/// <param name="Blacklisted">Whether it is good for nothing more.</param>
internal sealed record DjangoToken(string Id, string Text, bool Listed, bool Blacklisted);

/// <summary>The tables of a <see cref="DjangoServer"/>, seen from beside it.</summary>
internal sealed class DjangoDatabase(string connectionString)
{
    /// <summary>For what a test does there itself, such as holding a lock.</summary>
    public string ConnectionString { get; } = connectionString;

    /// <summary>A person's tokens as far as they are written down, oldest first.</summary>
    public async Task<IReadOnlyList<DjangoToken>> TokensOfAsync(DjangoUser user)
    {
        const string Query = """
            SELECT o.jti, o.token, o.user_id IS NOT NULL, b.id IS NOT NULL, (SELECT id FROM auth_user WHERE username = @name)
            FROM token_blacklist_outstandingtoken o LEFT JOIN token_blacklist_blacklistedtoken b ON b.token_id = o.id
            ORDER BY o.id
            """;
        await using var connection = await OpenAsync();
        await using var command = new NpgsqlCommand(Query, connection);
        command.Parameters.AddWithValue("name", user.Name);
        await using var rows = await command.ExecuteReaderAsync();
        var tokens = new List<DjangoToken>();
        while (await rows.ReadAsync())
        {
            var id = rows.GetInt32(4).ToString(CultureInfo.InvariantCulture);
            var text = rows.GetString(1);
            if (new JsonWebToken(text).GetClaim("user_id").Value == id)
            {
                tokens.Add(new DjangoToken(rows.GetString(0), text, rows.GetBoolean(2), rows.GetBoolean(3)));
            }
        }

        return tokens;
    }

    /// <summary>Somebody new with the password of <see cref="DjangoUser.Ada"/>.</summary>
    public async Task<DjangoUser> AddAsync()
    {
        var newcomer = DjangoUser.Ada with { Name = $"ada-{Guid.NewGuid():N}" };
        await ExecuteAsync(newcomer, $"""
            INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
            SELECT password, is_superuser, @name, first_name, last_name, email, is_staff, is_active, date_joined
            FROM auth_user WHERE username = '{DjangoUser.Ada.Name}'
            """);
        return newcomer;
    }

    /// <summary>Enables or disables an account, as an administrator does.</summary>
    public Task ActivateAsync(DjangoUser user, bool active) =>
        ExecuteAsync(user, $"UPDATE auth_user SET is_active = {active} WHERE username = @name");

    /// <summary>Deletes an account as Django does: rows that named it name nobody.</summary>
    public Task DeleteAsync(DjangoUser user) => ExecuteAsync(user, """
        UPDATE token_blacklist_outstandingtoken SET user_id = NULL WHERE user_id = (SELECT id FROM auth_user WHERE username = @name);
        DELETE FROM auth_user WHERE username = @name
        """);

    /// <summary>
    /// Reading the blacklist goes on and writing into it waits: refreshes of one token meet where nothing binds the look at the
    /// list to the entry in it.
    /// </summary>
    public async Task<HeldBlacklist> HoldBlacklistAsync()
    {
        var connection = await OpenAsync();
        var held = new HeldBlacklist(connection, await connection.BeginTransactionAsync());
        await held.AskAsync($"LOCK TABLE {HeldBlacklist.Table} IN SHARE MODE");
        return held;
    }

    public async Task<NpgsqlConnection> OpenAsync()
    {
        var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        return connection;
    }

    private async Task ExecuteAsync(DjangoUser user, string statement)
    {
        await using var connection = await OpenAsync();
        await using var command = new NpgsqlCommand(statement, connection);
        command.Parameters.AddWithValue("name", user.Name);
        await command.ExecuteNonQueryAsync();
    }
}

/// <summary>Holds up who writes into the blacklist until it is disposed.</summary>
internal sealed class HeldBlacklist(NpgsqlConnection connection, NpgsqlTransaction transaction) : IAsyncDisposable
{
    public const string Table = "token_blacklist_blacklistedtoken";

    /// <summary>Completes once so many wait.</summary>
    public Task WaitingAsync(int count) => Waiting.UntilAsync(async () => await AskAsync($"""
        SELECT count(*)::int FROM pg_locks WHERE NOT granted AND relation = '{Table}'::regclass
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        """) as int? >= count);

    public async Task<object?> AskAsync(string statement)
    {
        await using var command = new NpgsqlCommand(statement, connection, transaction);
        return await command.ExecuteScalarAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await transaction.DisposeAsync();
        await connection.DisposeAsync();
    }
}
