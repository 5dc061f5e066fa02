using System.Text.RegularExpressions;
using Xunit;

namespace WebApp.Tests.Conventions;

/// <summary>Which room of the site may use which: never back along the way of a request.</summary>
public sealed partial class ArrowTests
{
    public static TheoryData<string> Rooms =>
        [.. SourceFile.Of("WebApp").Select(file => file.Room).Distinct().Where(room => room is not ("" or "Composition"))];

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_room_uses_only_the_rooms_that_its_arrows_point_to(string room)
    {
        Assert.True(Arrows.From.ContainsKey(room), $"The room {room} is new: give it its arrows.");
        AssertNothing(
            file => file.Room == room,
            code => RoomNames().Matches(code).Any(name => name.Groups[1].Value is var used && used != room && !Arrows.From[room].Contains(used)));
    }

    [Fact]
    public void Only_Composition_is_used_by_the_program() => AssertNothing(
        file => file.Room == "",
        code => RoomNames().Matches(code).Any(name => name.Groups[1].Value != "Composition"));

    [Fact]
    public void What_decides_knows_no_HTTP() => AssertNothing(
        file => file.Room is "Coordination" or "Locking" or "Tokens" or "Storage",
        code => HttpTypes().IsMatch(code));

    [Fact]
    public void Redis_is_known_where_locks_and_connections_are_made() => AssertNothing(
        file => file.Room is not ("Locking" or "Composition") && file.Path != "WebApp/Configuration/ConnectionsOptions.cs",
        code => code.Contains("StackExchange.Redis", StringComparison.Ordinal));

    [Fact]
    public void EF_Core_is_known_where_rows_are_read_and_written() => AssertNothing(
        file => file.Room is not ("Storage" or "Accounts" or "Composition"),
        code => code.Contains("Microsoft.EntityFrameworkCore", StringComparison.Ordinal));

    private static void AssertNothing(Func<SourceFile, bool> where, Func<string, bool> offends) => (
        from file in SourceFile.Of("WebApp")
        where @where(file)
        from code in file.Code
        where offends(code)
        select $"{file.Path}: {code.Trim()}").AssertNone();

    /// <summary>In a using directive, a namespace's name, or a qualified type.</summary>
    [GeneratedRegex(@"\bWebApp\.(\w+)")]
    private static partial Regex RoomNames();

    [GeneratedRegex(@"\bMicrosoft\.AspNetCore\.Http\b|\bI?Http(Context|Request|Response)(Accessor)?\b|\b(IResult|Results|StatusCodes|CookieOptions)\b")]
    private static partial Regex HttpTypes();
}
