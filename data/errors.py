"""One class for what a user can mend. A subclass exists only where code catches it by name."""


class UserError(ValueError):
    """Input that cannot be used. The message says what was found, what was expected, what to do.

    The command line prints the message and leaves with exit code 2; any other error is a bug.
    """
