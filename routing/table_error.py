"""The error of every table that cannot be read."""


class TableError(ValueError):
    """The file cannot be used; the message names the file, the line and the fix."""
