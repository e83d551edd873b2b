"""The one exception that a user is meant to read."""


class UserError(Exception):
    """Bad input: the message says what is wrong, where, and what to do.

    Every command-line program prints it as one line and exits with status 1; anything else that
    is raised is a fault of ours and keeps its traceback.
    """
