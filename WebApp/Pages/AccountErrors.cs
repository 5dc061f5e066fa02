using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Localization;

namespace WebApp.Pages;

/// <summary>
/// What ASP.NET Core Identity says of names and passwords, in the reader's language. What it would say of things that this site
/// does without (mail addresses, external logins, rules about digits and capitals) stays as it is.
/// </summary>
internal sealed class AccountErrors(IStringLocalizer<Texts> texts) : IdentityErrorDescriber
{
    public override IdentityError DefaultError() => Say(base.DefaultError(), texts["AccountError.Unknown"]);

    public override IdentityError ConcurrencyFailure() => Say(base.ConcurrencyFailure(), texts["AccountError.ChangedMeanwhile"]);

    public override IdentityError PasswordMismatch() => Say(base.PasswordMismatch(), texts["AccountError.PasswordWrong"]);

    public override IdentityError PasswordTooShort(int length) =>
        Say(base.PasswordTooShort(length), texts["AccountError.PasswordTooShort", length]);

    public override IdentityError InvalidUserName(string? userName) =>
        Say(base.InvalidUserName(userName), texts["AccountError.NameInvalid", userName ?? ""]);

    public override IdentityError DuplicateUserName(string userName) =>
        Say(base.DuplicateUserName(userName), texts["AccountError.NameTaken", userName]);

    private static IdentityError Say(IdentityError error, string sentence)
    {
        error.Description = sentence;
        return error;
    }
}
