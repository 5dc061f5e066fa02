using System.ComponentModel.DataAnnotations;
using WebApp.Storage;

namespace WebApp.Pages.Notes;

/// <summary>The form that adds a note and the one that edits it.</summary>
internal sealed class NoteForm
{
    /// <summary>
    /// Browsers send a line break as two characters and count it as one against <c>maxlength</c>: here it is one as well.
    /// </summary>
    [Required(ErrorMessage = "Notes.Missing")]
    [StringLength(Note.MaxLength, ErrorMessage = "Notes.TooLong")]
    public string Text { get; set => field = value?.ReplaceLineEndings("\n").TrimEnd()!; } = "";
}
