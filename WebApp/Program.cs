using WebApp.Composition;

return await WebAppStart.OrExplainAsync(async () =>
{
    var builder = WebApplication.CreateBuilder(args);
    builder.AddWebApp();
    await using var app = builder.Build();
    app.UseWebApp();
    await app.RunCommandAsync(args);
});
