using Microsoft.AspNetCore.Mvc.ModelBinding.Metadata;
using Microsoft.Extensions.Localization;

namespace WebApp.Pages;

/// <summary>
/// What MVC says of values that it cannot read, in the reader's language. It would name the property; people see the field beside
/// the sentence, under the name that its label gives it.
/// </summary>
internal static class ValueErrors
{
    public static void SpeakOf(this DefaultModelBindingMessageProvider messages, IStringLocalizer<Texts> texts)
    {
        messages.SetMissingBindRequiredValueAccessor(_ => texts["Value.Missing"]);
        messages.SetMissingKeyOrValueAccessor(() => texts["Value.Missing"]);
        messages.SetMissingRequestBodyRequiredValueAccessor(() => texts["Value.Missing"]);
        messages.SetValueMustNotBeNullAccessor(_ => texts["Value.Missing"]);
        messages.SetAttemptedValueIsInvalidAccessor((value, _) => texts["Value.Invalid", value]);
        messages.SetNonPropertyAttemptedValueIsInvalidAccessor(value => texts["Value.Invalid", value]);
        messages.SetValueIsInvalidAccessor(value => texts["Value.Invalid", value]);
        messages.SetUnknownValueIsInvalidAccessor(_ => texts["Value.Unreadable"]);
        messages.SetNonPropertyUnknownValueIsInvalidAccessor(() => texts["Value.Unreadable"]);
        messages.SetValueMustBeANumberAccessor(_ => texts["Value.NotANumber"]);
        messages.SetNonPropertyValueMustBeANumberAccessor(() => texts["Value.NotANumber"]);
    }
}
