using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.WebUtilities;
using WebApp.Storage;
using WebApp.Telemetry;
using WebApp.Tokens;

namespace WebApp.Accounts;

/// <summary>The passkeys of an account: Identity's handler makes, checks and keeps them.</summary>
internal sealed partial class Passkeys(
    UserManager<Account> users,
    IPasskeyHandler<Account> handler,
    AccountChange changes,
    TimeProvider time,
    ILogger<Passkeys> logger)
{
    /// <summary>Longest name of a passkey, in characters.</summary>
    public const int MaxNameLength = 64;

    /// <summary>Most passkeys of one account.</summary>
    public const int Most = 20;

    /// <summary>The oldest first.</summary>
    public async Task<IReadOnlyList<PasskeySummary>> ListAsync(UserId user) => await users.FindByIdAsync(user.Value) is { } account
        ? [.. from passkey in await users.GetPasskeysAsync(account)
              orderby passkey.CreatedAt
              select new PasskeySummary(WebEncoders.Base64UrlEncode(passkey.CredentialId), passkey.Name ?? "", passkey.CreatedAt)]
        : [];

    /// <summary>
    /// What the browser is to ask an authenticator for. The password is asked for before, so that none makes a key in vain.
    /// </summary>
    public async Task<PasskeyOptionsOutcome> BeginAddAsync(HttpContext context, AccountOwner owner, string password)
    {
        var admission = await changes.AdmitAsync(owner, password);
        if (admission.Account is not { } account)
        {
            return new PasskeyOptionsOutcome(null, admission.Refusal);
        }

        var name = account.UserName ?? account.Id;
        var made = await handler.MakeCreationOptionsAsync(
            new PasskeyUserEntity { Id = account.Id, Name = name, DisplayName = name }, context);
        await PasskeyCeremonies.BeginAsync(context, PasskeyOperation.Add, made.AttestationState, Step(account));
        return new PasskeyOptionsOutcome(made.CreationOptionsJson, null);
    }

    /// <summary>
    /// Adds what the authenticator has made. Null if it does not fit what was asked for. Throws when the database is away.
    /// </summary>
    public async Task<AccountChangeOutcome?> AddAsync(HttpContext context, AccountOwner owner, string credential, string name)
    {
        if (await users.FindByIdAsync(owner.User.Value) is not { Disabled: false } account)
        {
            return AccountChangeOutcome.SessionOver;
        }

        if (await PasskeyCeremonies.TakeAsync(context, PasskeyOperation.Add, Step(account)) is not { } ceremony
            || (await users.GetPasskeysAsync(account)).Count >= Most)
        {
            return null;
        }

        var result = await handler.PerformAttestationAsync(
            new PasskeyAttestationContext { HttpContext = context, CredentialJson = credential, AttestationState = ceremony.State });
        if (!result.Succeeded)
        {
            result.Failure.ThrowIfDatabaseAway();
            NotAdded(logger, result.Failure.Message);
            return null;
        }

        if (result.UserEntity.Id != account.Id)
        {
            return null;
        }

        var passkey = Dated(result.Passkey, name);
        return await changes.ApplyAsync(
            owner,
            account,
            SecurityEventKinds.PasskeyAdded,
            RefusalReason.AccountChanged,
            found => users.AddOrUpdatePasskeyAsync(found, passkey));
    }

    /// <summary>Gives a passkey another name. False if there is none, or the account was changed elsewhere in the same moment.</summary>
    public async Task<bool> RenameAsync(UserId user, string id, string name)
    {
        if (await users.FindByIdAsync(user.Value) is not { } account || await FindAsync(account, id) is not { } passkey)
        {
            return false;
        }

        passkey.Name = name;
        return (await users.AddOrUpdatePasskeyAsync(account, passkey)).Succeeded;
    }

    /// <summary>Removes a passkey. One that is not there any more is no error.</summary>
    public Task<AccountChangeOutcome> RemoveAsync(AccountOwner owner, string password, string id) => changes.RunAsync(
        owner,
        password,
        SecurityEventKinds.PasskeyRemoved,
        RefusalReason.AccountChanged,
        async account => await FindAsync(account, id) is { } passkey
            ? await users.RemovePasskeyAsync(account, passkey.CredentialId)
            : IdentityResult.Success);

    private static FirstStep Step(Account account) => new(new UserId(account.Id), account.SecurityStamp ?? "");

    private async Task<UserPasskeyInfo?> FindAsync(Account account, string id)
    {
        foreach (var passkey in await users.GetPasskeysAsync(account))
        {
            if (WebEncoders.Base64UrlEncode(passkey.CredentialId) == id)
            {
                return passkey;
            }
        }

        return null;
    }

    /// <summary>Identity dates it by the machine's clock; the site's is the database's.</summary>
    private UserPasskeyInfo Dated(UserPasskeyInfo made, string name) => new(
        made.CredentialId,
        made.PublicKey,
        time.GetUtcNow(),
        made.SignCount,
        made.Transports,
        made.IsUserVerified,
        made.IsBackupEligible,
        made.IsBackedUp,
        made.AttestationObject,
        made.ClientDataJson)
    {
        Name = name,
    };

    [LoggerMessage(LogEvents.PasskeyNotAdded, LogLevel.Information, "A passkey was not added: {Cause}")]
    private static partial void NotAdded(ILogger logger, string cause);
}

/// <summary>A passkey as its owner sees it. Identity does not keep when one was last used; the account's activity says that.</summary>
/// <param name="Id">Names it in forms.</param>
internal sealed record PasskeySummary(string Id, string Name, DateTimeOffset AddedAt);

/// <summary>Either the options for the browser, in JSON, or what stands against them.</summary>
internal sealed record PasskeyOptionsOutcome(string? Options, AccountChangeOutcome? Refusal);
