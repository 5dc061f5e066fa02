namespace WebApp.Sessions;

/// <summary>
/// Marks an endpoint whose form is not kept when it meets a dead session: one with a password or a payment in it (scenario 50).
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
internal sealed class NoRescueAttribute : Attribute;
