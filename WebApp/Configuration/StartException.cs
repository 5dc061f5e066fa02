namespace WebApp.Configuration;

/// <summary>Why the site cannot start, in a sentence for whoever started it.</summary>
internal sealed class StartException(string sentence, Exception? cause = null) : Exception(sentence, cause);
