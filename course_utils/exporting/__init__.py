"""Taking the exercises and grades to other systems: nbgrader, Gradescope, MarkUs and Canvas."""


class ExportError(Exception):
    """Something that the user can mend; its text is the one line that is shown."""
