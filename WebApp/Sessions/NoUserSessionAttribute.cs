namespace WebApp.Sessions;

/// <summary>Marks an endpoint that never looks at a session: static files, health checks, the key set.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
internal sealed class NoUserSessionAttribute : Attribute;
