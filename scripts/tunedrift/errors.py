"""What is raised over bad input, and the clauses that name a known thing for an unknown one."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Bad input: the message says what is wrong, where, and what to do.

    Every command-line program prints it as one line and exits with status 1; anything else that
    is raised is a fault of ours and keeps its traceback.
    """


class UnusableError(Exception):
    """One row cannot be used; the message is the reason."""


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """A sentence for an unknown name, with the nearest known one where there is one."""
    return f"there is no {what} {name!r}; {nearest(name, sorted(known))}"


def nearest(name: str, known: list[str]) -> str:
    """A clause that names the closest of `known`, or all of them."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(known)}." if known else "none is defined."
