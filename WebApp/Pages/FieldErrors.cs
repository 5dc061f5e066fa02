using Microsoft.AspNetCore.Mvc.ModelBinding;

namespace WebApp.Pages;

/// <summary>What <c>aria-invalid</c> of a field says.</summary>
internal static class FieldErrors
{
    /// <summary>"true", or null, which leaves the attribute out.</summary>
    public static string? AriaInvalid(this ModelStateDictionary state, string field) =>
        state.GetFieldValidationState(field) == ModelValidationState.Invalid ? "true" : null;
}
