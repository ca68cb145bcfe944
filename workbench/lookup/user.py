"""The name of the person who runs the command or the app."""

import getpass


def user_name() -> str:
    """The name of the logged-in user, or "" where the machine has none, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
