using Microsoft.Extensions.Options;

namespace WebApp.Configuration;

/// <summary>
/// Binds a section so that nothing in it is overlooked: a value that cannot be read and a key that does not exist stop the
/// start with one sentence, as a value that breaks its rule does.
/// </summary>
internal static class StrictBinding
{
    public static IServiceCollection AddStrictOptions<TOptions>(this IServiceCollection services, string section)
        where TOptions : class
    {
        services.AddOptions<TOptions>()
            .Configure<IConfiguration>((options, configuration) => Bind(options, configuration.GetSection(section)))
            .ValidateOnStart();
        return services;
    }

    public static IServiceCollection AddStrictOptions<TOptions, TRules>(this IServiceCollection services, string section)
        where TOptions : class
        where TRules : class, IValidateOptions<TOptions>
    {
        services.AddSingleton<IValidateOptions<TOptions>, TRules>();
        return services.AddStrictOptions<TOptions>(section);
    }

    private static void Bind<TOptions>(TOptions options, IConfigurationSection section)
        where TOptions : class
    {
        try
        {
            section.Bind(options, binder => binder.ErrorOnUnknownConfiguration = true);
        }
        catch (InvalidOperationException unreadable)
        {
            throw new OptionsValidationException(section.Key, typeof(TOptions), [Explain(section, typeof(TOptions), unreadable)]);
        }
    }

    /// <summary>The binder names the key but not what it wanted; this finds the culprit again and says so.</summary>
    private static string Explain(IConfigurationSection section, Type type, InvalidOperationException unreadable)
    {
        foreach (var child in section.GetChildren())
        {
            var property = type.GetProperties()
                .FirstOrDefault(candidate => string.Equals(candidate.Name, child.Key, StringComparison.OrdinalIgnoreCase));
            if (property is null)
            {
                var known = string.Join(", ", type.GetProperties().Select(candidate => candidate.Name));
                return Complaints.Sentence(child.Path, child.Value, $"there is no such key; the keys here are {known}");
            }

            if (child.Value is { } value && !CanRead(property.PropertyType, value))
            {
                return Complaints.Sentence(child.Path, value, $"must be {Wanted(property.PropertyType)}");
            }
        }

        return $"{section.Path} cannot be read: {unreadable.Message}";
    }

    private static bool CanRead(Type type, string value) =>
        type == typeof(string) || System.ComponentModel.TypeDescriptor.GetConverter(type).IsValid(value);

    private static string Wanted(Type type) => type switch
    {
        _ when type == typeof(TimeSpan) => "a time span such as 00:05:00 or 14.00:00:00",
        _ when type == typeof(bool) => "true or false",
        _ when type.IsEnum => "one of " + string.Join(", ", Enum.GetNames(type)),
        _ when type == typeof(double) => "a number such as 0.05",
        _ => "a " + type.Name,
    };
}
