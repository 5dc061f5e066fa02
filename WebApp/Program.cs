using WebApp.Composition;

var builder = WebApplication.CreateBuilder(args);
builder.AddWebApp();
await using var app = builder.Build();
app.UseWebApp();
return await app.RunOrExplainAsync(args);
