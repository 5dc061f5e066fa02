using System.ComponentModel;
using System.Globalization;
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

    /// <summary>The framework's binder is asked only for what it reads without a doubt: its own complaints name no rule.</summary>
    private static void Bind<TOptions>(TOptions options, IConfigurationSection section)
        where TOptions : class
    {
        List<string> unreadable = [.. Check(section, typeof(TOptions))];
        if (unreadable.Count > 0)
        {
            throw new OptionsValidationException(section.Key, typeof(TOptions), unreadable);
        }

        section.Bind(options);
    }

    private static IEnumerable<string> Check(IConfigurationSection section, Type type)
    {
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(List<>))
        {
            return string.IsNullOrEmpty(section.Value)
                ? section.GetChildren().SelectMany(item => Check(item, type.GetGenericArguments()[0]))
                : [Complaints.Sentence(section.Path, section.Value, $"must be a list: {section.Path}:0, {section.Path}:1 and so on")];
        }

        if (TypeDescriptor.GetConverter(type).CanConvertFrom(typeof(string)))
        {
            return section.GetChildren().Any()
                ? section.GetChildren().Select(key => Complaints.Sentence(key.Path, key.Value, $"{section.Path} holds one value and no keys"))
                : section.Value is { } value && CanRead(type, value)
                    ? []
                    : [Complaints.Sentence(section.Path, section.Value, $"must be {Wanted(type)}")];
        }

        return string.IsNullOrEmpty(section.Value)
            ? section.GetChildren().SelectMany(child => CheckKey(child, type))
            : [Complaints.Sentence(section.Path, section.Value, $"must be a section with the keys {Keys(type)}")];
    }

    private static IEnumerable<string> CheckKey(IConfigurationSection section, Type owner)
    {
        var property = owner.GetProperties()
            .FirstOrDefault(candidate => string.Equals(candidate.Name, section.Key, StringComparison.OrdinalIgnoreCase));
        return property is null
            ? [Complaints.Sentence(section.Path, section.Value, $"there is no such key; the keys here are {Keys(owner)}")]
            : Check(section, property.PropertyType);
    }

    private static bool CanRead(Type type, string value) => type switch
    {
        // Not 300, which would be three hundred days, and not 24:00:00, which would be twenty-four.
        _ when type == typeof(TimeSpan) =>
            value.Contains(':') && TimeSpan.TryParseExact(value, "c", CultureInfo.InvariantCulture, out _),
        // Not 7, which would be read as a member that does not exist.
        { IsEnum: true } => Enum.GetNames(type).Contains(value, StringComparer.OrdinalIgnoreCase),
        _ => TypeDescriptor.GetConverter(type).IsValid(value),
    };

    private static string Wanted(Type type) => type switch
    {
        _ when type == typeof(TimeSpan) => "a time span such as 00:05:00 or 14.00:00:00",
        _ when type == typeof(bool) => "true or false",
        _ when type == typeof(double) => "a number such as 0.05",
        _ when type == typeof(string) => "a text and not null",
        { IsEnum: true } => string.Join(" or ", Enum.GetNames(type)),
        _ => $"of the type {type.Name}",
    };

    private static string Keys(Type type) => string.Join(", ", type.GetProperties().Select(property => property.Name));
}
